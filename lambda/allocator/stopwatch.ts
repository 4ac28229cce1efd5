import type { Clock } from '../pool/clock';

/** Milliseconds by step. */
export class Stopwatch {
  readonly timings: Record<string, number> = {};

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async measure<T>(step: string, work: () => Promise<T>): Promise<T> {
    const start = this.clock.now();
    try {
      return await work();
    } finally {
      this.timings[step] = (this.timings[step] ?? 0) + this.clock.now() - start;
    }
  }
}

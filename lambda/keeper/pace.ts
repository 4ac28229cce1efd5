import type { Clock } from '../pool/clock';

/** Spreads calls evenly below a rate. */
export class Pace {
  private readonly intervalMs: number;
  private nextAt = 0;

  constructor(private readonly clock: Clock, perSecond: number) {
    this.intervalMs = 1000 / perSecond;
  }

  async turn(): Promise<void> {
    const now = this.clock.now();
    if (this.nextAt > now) await this.clock.sleep(this.nextAt - now);
    this.nextAt = Math.max(now, this.nextAt) + this.intervalMs;
  }
}

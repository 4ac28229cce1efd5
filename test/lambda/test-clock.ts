import type { Clock } from '../../lambda/pool/clock';

/** A clock on which sleeping takes no time and the time still passes. */
export class TestClock implements Clock {
  time = 1_800_000_000_000;
  readonly sleeps: number[] = [];

  now(): number {
    return this.time;
  }

  async sleep(delayMs: number): Promise<void> {
    this.sleeps.push(delayMs);
    this.time += delayMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

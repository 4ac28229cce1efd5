import type { Clock } from '../../client/src/clock';

/** A clock whose sleeps take no time: they move it. Timers run when it has been moved past them. */
export class TestClock implements Clock {
  #now = 1_800_000_000_000;
  #timers = new Set<{ due: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { due: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.advance(delayMs);
    // Real sockets get a turn.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }

  random(): number {
    return 0.5;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.due > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

import type { Clock } from '../../runtime-image/daemon/clock';

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<{ due: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { due: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Every timer on the way fires at its own time. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= target).sort((a, b) => a.due - b.due);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = next.due;
      next.callback();
    }
    this.#now = target;
  }
}

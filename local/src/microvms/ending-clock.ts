import type { Clock, Timer } from '../clock';

/** A clock whose sleepers wake at once when the service ends, so that its end waits for no delay. */
export class EndingClock implements Clock {
  readonly #sleepers = new Set<() => void>();
  #ended = false;

  constructor(private readonly clock: Clock) {}

  now(): number {
    return this.clock.now();
  }

  after(delayMs: number, callback: () => void | Promise<void>): Timer {
    return this.clock.after(delayMs, callback);
  }

  sleep(delayMs: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = this.clock.after(delayMs, wake);
      this.#sleepers.add(wake);
    });
  }

  end(): void {
    this.#ended = true;
    for (const wake of this.#sleepers) wake();
  }
}

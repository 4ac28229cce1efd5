import type { Persistent } from './persistent';

export interface Timer {
  cancel(): void;
}

/** The time of the local cloud: services, schedules and handlers all read this one, and tests move it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `callback` once `delayMs` have passed. Does not keep the process alive. */
  after(delayMs: number, callback: () => void | Promise<void>): Timer;
  sleep(delayMs: number): Promise<void>;
}

interface Pending {
  readonly due: number;
  readonly callback: () => void | Promise<void>;
}

/** Runs with the machine's clock, and ahead of it after `advance`. */
export class LocalClock implements Clock, Persistent {
  #offsetMs = 0;
  #pending = new Set<Pending>();
  #alarm?: NodeJS.Timeout;
  #onFired?: () => void;
  /** Callbacks of timers that came due by themselves while the clock is advanced. */
  #meanwhile?: Promise<void>[];

  /** How far this clock is ahead of the machine's, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Tells after each timer's callback. */
  whenFired(callback: () => void): void {
    this.#onFired = callback;
  }

  save(): unknown {
    return { offsetMs: this.#offsetMs };
  }

  restore(state: unknown): void {
    const { offsetMs } = state as { offsetMs: unknown };
    if (!(typeof offsetMs === 'number' && offsetMs >= 0)) throw new Error(`offsetMs is ${String(offsetMs)}`);
    this.#offsetMs = offsetMs;
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  after(delayMs: number, callback: () => void | Promise<void>): Timer {
    const pending = { due: this.now() + delayMs, callback };
    this.#pending.add(pending);
    this.#setAlarm();
    return { cancel: () => void this.#pending.delete(pending) };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Moves the clock forward; every timer on the way runs at its own time, in order, and has ended before this resolves. */
  async advance(by: { hours?: number; minutes?: number; seconds?: number; ms?: number }): Promise<void> {
    const total = (by.hours ?? 0) * 3_600_000 + (by.minutes ?? 0) * 60_000 + (by.seconds ?? 0) * 1000 + (by.ms ?? 0);
    if (!(total >= 0)) throw new RangeError(`advance: ${JSON.stringify(by)} is not a time to move forward by`);
    const target = this.now() + total;
    const outermost = this.#meanwhile === undefined;
    const meanwhile = this.#meanwhile ??= [];
    for (let next = this.#next(); next && next.due <= target; next = this.#next()) {
      this.#offsetMs += Math.max(0, next.due - this.now());
      await this.#fire(next);
    }
    this.#offsetMs += Math.max(0, target - this.now());
    this.#setAlarm();
    // A timer's callback that advances the clock itself must not wait for itself.
    if (!outermost) return;
    while (meanwhile.length > 0) await meanwhile.shift();
    this.#meanwhile = undefined;
  }

  /** Forgets every timer. */
  stop(): void {
    this.#pending.clear();
    clearTimeout(this.#alarm);
  }

  #next(): Pending | undefined {
    let earliest: Pending | undefined;
    for (const pending of this.#pending) if (!earliest || pending.due < earliest.due) earliest = pending;
    return earliest;
  }

  async #fire(pending: Pending): Promise<void> {
    this.#pending.delete(pending);
    await pending.callback();
    this.#onFired?.();
  }

  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const next = this.#next();
    if (!next) return;
    const delay = Math.min(Math.max(0, next.due - this.now()), 2 ** 31 - 1);
    this.#alarm = setTimeout(() => {
      for (let due = this.#next(); due && due.due <= this.now(); due = this.#next()) {
        const fired = this.#fire(due);
        this.#meanwhile?.push(fired);
      }
      this.#setAlarm();
    }, delay);
    this.#alarm.unref();
  }
}

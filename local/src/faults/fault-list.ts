import type { Strikes } from './occurrence';

interface Armed<Occasion, Effect> {
  readonly matches: (occasion: Occasion) => boolean;
  readonly strikes: Strikes;
  readonly effect: Effect;
}

/** Faults of one kind that are switched on, oldest first. */
export class FaultList<Occasion, Effect> {
  #armed: readonly Armed<Occasion, Effect>[] = [];

  add(strikes: Strikes, effect: Effect, matches: (occasion: Occasion) => boolean): void {
    this.#armed = [...this.#armed, { matches, strikes, effect }];
  }

  /** The effect of the oldest fault that strikes on this occasion. */
  strike(occasion: Occasion): Effect | undefined {
    return this.strikes(occasion).next().value;
  }

  /** The effects of all faults that strike on this occasion, one after the other; each is used up when it is asked for. */
  *strikes(occasion: Occasion): Generator<Effect, undefined> {
    for (const armed of this.#armed) {
      // One that was cleared meanwhile is over.
      if (!this.#armed.includes(armed) || !armed.matches(occasion) || !armed.strikes.next()) continue;
      if (armed.strikes.over) this.#armed = this.#armed.filter((other) => other !== armed);
      yield armed.effect;
    }
    return undefined;
  }

  clear(): void {
    this.#armed = [];
  }
}

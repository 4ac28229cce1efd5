import { atLeast } from './check';
import type { Random } from './random';

/** How often a fault strikes: `times` or `rate`, not both. */
export interface Occurrence {
  /** It strikes at the next so many occasions, then it is over. Default: 1. */
  readonly times?: number;
  /** It strikes at each occasion with this probability, above 0 and at most 1, until `clear()`. */
  readonly rate?: number;
}

/** Decides occasion by occasion. Throws a `RangeError` that names the fault and the option if the occurrence makes no sense. */
export class Strikes {
  #left: number;
  readonly #rate?: number;

  constructor(fault: string, { times, rate }: Occurrence, private readonly random: Random) {
    if (times !== undefined && rate !== undefined) throw new RangeError(`${fault}: give times or rate, not both`);
    if (rate !== undefined && !(rate > 0 && rate <= 1)) throw new RangeError(`${fault}: rate must be above 0 and at most 1, got ${rate}`);
    this.#left = times ?? 1;
    this.#rate = rate;
    atLeast(fault, 'times', this.#left, 1);
  }

  /** It will not strike again. */
  get over(): boolean {
    return this.#left === 0;
  }

  /** An occasion. True: the fault strikes. */
  next(): boolean {
    if (this.#rate !== undefined) return this.random() < this.#rate;
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

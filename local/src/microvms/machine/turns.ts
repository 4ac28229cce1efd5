/** Lets so many through at the same time; the others wait, those that somebody waits for before the others. */
export class Turns {
  readonly #urgent: (() => void)[] = [];
  readonly #patient: (() => void)[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  /** Resolves when it is this one's turn, with what ends the turn. */
  async take(urgent: boolean): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => void (urgent ? this.#urgent : this.#patient).push(resolve));
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.#urgent.shift() ?? this.#patient.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}

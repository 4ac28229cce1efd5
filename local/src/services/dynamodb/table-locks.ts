/** Lets one request at a time work on a table. */
export class TableLocks {
  #tails = new Map<string, Promise<void>>();

  /** Runs `work` once every table named is free, and keeps them until it is done. */
  async run<Result>(tables: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const names = [...new Set(tables)];
    // All places are taken in one go, so that two requests never wait for each other.
    const before = Promise.all(names.map((name) => this.#tails.get(name)));
    let release = (): void => undefined;
    const tail = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const name of names) this.#tails.set(name, tail);
    try {
      await before;
      return await work();
    } finally {
      release();
      for (const name of names) if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }
}

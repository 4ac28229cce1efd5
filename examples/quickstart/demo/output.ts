/** What a command in the background has printed so far. */
export class Output {
  #text = '';
  #added = () => {};

  readonly add = (chunk: string): void => {
    this.#text += chunk;
    this.#added();
  };

  /** Resolves once the output matches, and fails if it has not within 15 seconds. */
  async match(pattern: RegExp): Promise<void> {
    const patience = AbortSignal.timeout(15_000);
    while (!pattern.test(this.#text)) {
      await new Promise<void>((resolve, reject) => {
        this.#added = resolve;
        patience.onabort = () => reject(new Error(`no output matches ${pattern}; it was: ${this.#text}`));
      });
    }
  }

  /** The last number it printed. */
  count(): number {
    return Number(/(\d+)\s*$/.exec(this.#text)?.[1] ?? 0);
  }
}

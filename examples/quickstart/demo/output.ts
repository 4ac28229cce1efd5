/** What a command in the background has printed so far. */
export class Output {
  #text = '';
  #added = () => {};

  readonly add = (chunk: string): void => {
    this.#text += chunk;
    this.#added();
  };

  /** Resolves once the output matches. */
  async match(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      await new Promise<void>((resolve) => {
        this.#added = resolve;
      });
    }
  }

  /** The last number it printed. */
  count(): number {
    return Number(/(\d+)\s*$/.exec(this.#text)?.[1] ?? 0);
  }
}

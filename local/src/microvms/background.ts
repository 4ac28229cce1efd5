/** Work that goes on after its request was answered. */
export class Background {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly onWarning: (message: string) => void,
    /** Told after each piece of work. */
    private readonly onDone: () => void,
  ) {}

  run(what: string, work: () => Promise<void>): void {
    const running = work().catch((error: unknown) => this.onWarning(`${what}: ${(error as Error).message}`))
      .finally(() => {
        this.#running.delete(running);
        this.onDone();
      });
    this.#running.add(running);
  }

  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

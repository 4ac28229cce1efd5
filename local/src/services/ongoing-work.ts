import { ServiceError } from './service-error';

/** Work on files that must not outlive the cloud. */
export class OngoingWork {
  readonly #ongoing = new Set<Promise<unknown>>();
  #closed = false;

  /** Throws once the cloud is stopped. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.check();
    const ongoing = work();
    this.#ongoing.add(ongoing);
    try {
      return await ongoing;
    } finally {
      this.#ongoing.delete(ongoing);
    }
  }

  check(): void {
    if (this.#closed) throw new ServiceError('ServiceUnavailable', 'the local cloud was stopped', 503);
  }

  /** Takes no more, and resolves once what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#ongoing);
  }
}

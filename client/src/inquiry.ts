import type { Clock } from './clock';
import type { Deadline } from './deadline';

const AGAIN_MS = 2000;
const AGAIN_MOST_MS = 16_000;

/** Questions to the allocator about a microVM that does not answer: one at a time, at a pace that slows down. */
export class Inquiry {
  readonly #clock: Clock;
  readonly #question: () => Promise<void>;
  #asking?: Promise<void>;
  #notBefore = 0;
  #againMs = AGAIN_MS;

  constructor(clock: Clock, question: () => Promise<void>) {
    this.#clock = clock;
    this.#question = question;
  }

  holdOff(forMs: number): void {
    this.#notBefore = this.#clock.now() + forMs;
  }

  /** The microVM answered: the next question may come soon again. */
  settle(): void {
    this.#againMs = AGAIN_MS;
  }

  /** Asks, unless that was done a short while ago. */
  async askPaced(deadline: Deadline): Promise<void> {
    if (this.#clock.now() < this.#notBefore) return;
    this.holdOff(this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MOST_MS);
    await this.ask(deadline);
  }

  /** Asks; calls at the same time share the question. */
  async ask(deadline: Deadline): Promise<void> {
    this.#asking ??= this.#question().finally(() => { this.#asking = undefined; });
    const asking = this.#asking;
    await deadline.attempt(() => asking);
  }
}

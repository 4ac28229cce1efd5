import type { RequestOptions } from './deadline';
import { SandboxError } from './errors';
import type { SandboxState } from './protocol';
import type { SandboxInfo } from './sandbox-info';

export interface ListOptions extends RequestOptions {
  /** Only sandboxes that carry all of these pairs. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** @default - all but `terminated` */
  readonly states?: readonly SandboxState[];
  /**
   * Sandboxes a page, 1–100.
   *
   * @default 50
   */
  readonly limit?: number;
  /** Where an earlier page ended. */
  readonly cursor?: string;
}

/** One page. It may hold fewer sandboxes than asked for, even none, and still have a `cursor`. */
export interface SandboxPage {
  readonly sandboxes: readonly SandboxInfo[];
  /** Pass it to `list` for the next page; absent on the last. */
  readonly cursor?: string;
}

/** Sandboxes of a pool: `await` it for one page, or go through all of them with `for await`. */
export class SandboxList implements PromiseLike<SandboxPage>, AsyncIterable<SandboxInfo> {
  readonly #fetch: (cursor: string | undefined) => Promise<SandboxPage>;
  readonly #cursor?: string;

  /** @internal */
  constructor(fetch: (cursor: string | undefined) => Promise<SandboxPage>, cursor: string | undefined) {
    this.#fetch = fetch;
    this.#cursor = cursor;
  }

  then<A = SandboxPage, B = never>(
    onFulfilled?: ((page: SandboxPage) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#fetch(this.#cursor).then(onFulfilled, onRejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SandboxInfo, void, undefined> {
    let cursor = this.#cursor;
    do {
      const page = await this.#fetch(cursor);
      yield* page.sandboxes;
      if (page.cursor !== undefined && page.cursor === cursor) throw new SandboxError('malformed answer: a page leads back to itself');
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}

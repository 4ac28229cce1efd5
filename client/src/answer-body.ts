import type { IncomingMessage } from 'node:http';
import type { Clock } from './clock';
import { ConnectionLostError, SandboxError, TimeoutError } from './errors';

/** After the last byte that is wanted, a connection gets this long to end well and be used again. */
const RELEASE_MS = 1000;

/** The body of an answer of a microVM: hostile until read within bounds. */
export class AnswerBody {
  readonly #message: IncomingMessage;
  readonly #clock: Clock;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #ahead: Uint8Array[] = [];
  #released = false;

  constructor(message: IncomingMessage, clock: Clock) {
    this.#message = message;
    this.#clock = clock;
    // Not destroyed with the iterator: a body that is left at its end keeps its connection usable.
    this.#chunks = message.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  }

  /** Reads up to `most` bytes without taking them; `whole` if that is all there is. */
  async peek(most: number): Promise<{ bytes: Buffer; whole: boolean }> {
    let size = 0;
    while (size <= most) {
      const chunk = await this.#pull();
      if (!chunk) return { bytes: Buffer.concat(this.#ahead), whole: true };
      this.#ahead.push(chunk);
      size += chunk.byteLength;
    }
    return { bytes: Buffer.concat(this.#ahead), whole: false };
  }

  /** All of it, or an error past `most` bytes. */
  async bytes(most: number, onProgress: () => void): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let chunk = await this.#next(); chunk; chunk = await this.#next()) {
      size += chunk.byteLength;
      if (size > most) {
        this.destroy();
        throw new SandboxError(`the answer is longer than ${most} bytes`, { code: 'too_large' });
      }
      chunks.push(chunk);
      onProgress();
    }
    return Buffer.concat(chunks);
  }

  /**
   * The chunks as they come. Ends with an error if `silenceMs` pass without a byte while one is waited for, or when `signal`
   * fires; the connection is closed then.
   */
  async *stream(options: { silenceMs?: number; signal?: AbortSignal }): AsyncGenerator<Uint8Array, void, undefined> {
    const { silenceMs, signal } = options;
    const onAbort = () => this.#message.destroy();
    signal?.addEventListener('abort', onAbort, { once: true });
    let ended = false;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const chunk = await this.#nextWithin(silenceMs, signal);
        if (!chunk) break;
        yield chunk;
      }
      ended = true;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (!ended && !this.#released) this.destroy();
    }
  }

  /** Lets go of the rest, in the hope that there is none and the connection can be used again. */
  release(): void {
    if (this.#message.readableEnded || this.#message.destroyed) return;
    this.#released = true;
    const cancel = this.#clock.after(RELEASE_MS, () => this.destroy());
    this.#message.once('close', cancel);
    // The iterator holds the stream still until it has returned.
    void Promise.resolve(this.#chunks.return?.()).then(() => this.#message.resume(), () => this.destroy());
  }

  destroy(): void {
    this.#message.destroy();
  }

  async #nextWithin(silenceMs: number | undefined, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    let silent = false;
    const cancel = silenceMs === undefined ? undefined : this.#clock.after(silenceMs, () => {
      silent = true;
      this.#message.destroy();
    });
    try {
      return await this.#next();
    } catch (error) {
      signal?.throwIfAborted();
      if (silent) throw new TimeoutError('idle', `no byte came for ${silenceMs} ms`, { cause: error });
      throw new ConnectionLostError('the connection broke before the end of the answer', { cause: error });
    } finally {
      cancel?.();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    return this.#ahead.shift() ?? this.#pull();
  }

  async #pull(): Promise<Uint8Array | undefined> {
    const { value, done } = await this.#chunks.next();
    return done ? undefined : value;
  }
}

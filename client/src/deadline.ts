import { backoffMs, type Clock } from './clock';
import { InvalidArgumentError, TimeoutError, type TimeoutScope } from './errors';

/** How long a call may take when it does not say. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;

/** Options of every call. */
export interface RequestOptions {
  /**
   * Milliseconds for the call with all its retries, or for the longest pause while a file or body is moving.
   *
   * @default 60000
   */
  readonly requestTimeoutMs?: number;
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface DeadlineOptions extends RequestOptions {
  readonly clock: Clock;
  /** What is waited for, for the message. */
  readonly what: string;
  readonly scope?: TimeoutScope;
  /** Whether the caller may repeat the call after the timeout. */
  readonly retryable?: boolean;
  readonly sandboxId?: string;
}

export interface BackoffLimits {
  readonly firstMs: number;
  readonly mostMs: number;
  /** What the other side asked for. */
  readonly leastMs?: number;
}

/** Thrown inside when one attempt got no answer while the call as a whole still has time. */
export class AttemptTimeout extends Error {}

/** The time that one call has, over all its attempts. */
export class Deadline {
  readonly signal?: AbortSignal;
  readonly clock: Clock;
  readonly #options: DeadlineOptions;
  readonly #timeoutMs: number;
  #endsAt = 0;

  constructor(options: DeadlineOptions) {
    const timeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
      throw new InvalidArgumentError(`requestTimeoutMs: ${String(timeoutMs)} is not a number of milliseconds above 0`);
    }
    this.signal = options.signal;
    this.clock = options.clock;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.restart();
  }

  get remainingMs(): number {
    return this.#endsAt - this.clock.now();
  }

  /** The full time again, because something moved. */
  restart(): void {
    this.#endsAt = this.clock.now() + this.#timeoutMs;
  }

  throwIfOver(cause?: unknown): void {
    this.signal?.throwIfAborted();
    if (this.remainingMs <= 0) throw this.#timeout(cause);
  }

  /** Waits before attempt `attempt + 1`; throws instead if the time will be over by then. */
  async backOff(attempt: number, limits: BackoffLimits, cause?: unknown): Promise<void> {
    this.throwIfOver(cause);
    const delayMs = Math.max(limits.leastMs ?? 0, backoffMs(this.clock, attempt, limits.firstMs, limits.mostMs));
    if (delayMs >= this.remainingMs) throw this.#timeout(cause);
    await this.clock.sleep(delayMs, this.signal);
    this.throwIfOver(cause);
  }

  /** Runs one attempt. Its signal fires when the caller aborts, when the time is over, or after `attemptMs`. */
  async attempt<T>(work: (signal: AbortSignal) => Promise<T>, attemptMs = Infinity): Promise<T> {
    this.throwIfOver();
    const stop = new AbortController();
    const onAbort = () => stop.abort(this.signal?.reason);
    this.signal?.addEventListener('abort', onAbort, { once: true });
    const startedAt = this.clock.now();
    let cancelTimer = () => {};
    const arm = () => {
      const leftMs = Math.min(this.remainingMs, startedAt + attemptMs - this.clock.now());
      if (leftMs > 0) cancelTimer = this.clock.after(leftMs, arm);
      else stop.abort(this.remainingMs > 0 ? new AttemptTimeout(`no answer within ${attemptMs} ms`) : this.#timeout());
    };
    arm();
    const stopped = new Promise<never>((_, reject) => {
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
    });
    try {
      return await Promise.race([work(stop.signal), stopped]);
    } finally {
      cancelTimer();
      this.signal?.removeEventListener('abort', onAbort);
    }
  }

  #timeout(cause?: unknown): TimeoutError {
    const { scope = 'request', what, retryable = true, sandboxId } = this.#options;
    return new TimeoutError(scope, `${what}: no success within ${this.#timeoutMs} ms`, { retryable, sandboxId, cause });
  }
}

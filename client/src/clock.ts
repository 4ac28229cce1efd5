/** Time and chance as the client sees them; tests bring their own. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `callback` after `delayMs`; call the answer to cancel. */
  after(delayMs: number, callback: () => void): () => void;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** 0 up to but not 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
  random: () => Math.random(),
};

/** Full jitter: anything up to a bound that doubles from `firstMs` to `mostMs`. */
export function backoffMs(clock: Clock, attempt: number, firstMs: number, mostMs: number): number {
  return Math.ceil(clock.random() * Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30)));
}

/** The daemon's time; tests bring their own. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `callback` after `delayMs` of time in which the microVM was awake; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

const SLICE_MS = 1000;

/**
 * The machine's clock. A resume moves wall clock and monotonic clock ahead by the time that the microVM was suspended, and
 * every pending timer fires at once. So a delay is waited for in slices, and a slice counts at most twice its length.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    let remaining = delayMs;
    let timer: NodeJS.Timeout;
    const waitSlice = () => {
      const slice = Math.min(remaining, SLICE_MS);
      const startedAt = performance.now();
      timer = setTimeout(() => {
        remaining -= Math.min(performance.now() - startedAt, 2 * slice);
        // Timers may fire a fraction of a millisecond early.
        if (remaining < 1) callback();
        else waitSlice();
      }, slice);
      // The servers keep the process alive, and nothing else should.
      timer.unref();
    };
    waitSlice();
    return () => clearTimeout(timer);
  },
};

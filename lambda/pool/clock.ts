/** Time, handed in so that tests decide what it is. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  sleep(delayMs: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};

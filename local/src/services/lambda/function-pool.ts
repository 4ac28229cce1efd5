import type { Invocation } from './bootstrap';
import type { FunctionProcess, Outcome } from './function-process';

/**
 * A process without work ends after this long, by the machine's clock: that is for the machine's memory. A clock that is moved forward
 * for leases and schedules ends none, since each costs a start.
 */
const IDLE_MS = 5 * 60_000;

/** The processes of one version of a function: reused while warm, more of them under concurrency. */
export class FunctionPool {
  readonly #idle = new Map<FunctionProcess, NodeJS.Timeout>();
  readonly #busy = new Set<FunctionProcess>();
  #retired = false;
  #onDrained?: () => void;

  constructor(private readonly start: () => FunctionProcess) {}

  get busy(): number {
    return this.#busy.size;
  }

  /** Processes that live. */
  get size(): number {
    return this.#busy.size + this.#idle.size;
  }

  async invoke(invocation: Omit<Invocation, 'deadline'>, timeoutSeconds: number): Promise<Outcome> {
    const process = this.#take() ?? this.start();
    this.#busy.add(process);
    try {
      return await process.invoke(invocation, timeoutSeconds);
    } finally {
      this.#busy.delete(process);
      if (!process.usable || this.#retired) process.kill();
      else this.#rest(process);
      if (this.#retired && this.#busy.size === 0) this.#onDrained?.();
    }
  }

  /** Takes no more work: idle processes end now, the others after their invocation. Resolves after the last invocation. */
  retire(): Promise<void> {
    this.#retired = true;
    for (const [process, timer] of this.#idle) {
      clearTimeout(timer);
      process.kill();
    }
    this.#idle.clear();
    return new Promise((resolve) => {
      if (this.#busy.size === 0) resolve();
      else this.#onDrained = resolve;
    });
  }

  /** Ends every process, and answers when they are gone. */
  async stop(): Promise<void> {
    const all = [...this.#busy, ...this.#idle.keys()];
    void this.retire();
    for (const process of this.#busy) process.kill();
    await Promise.all(all.map(({ exited }) => exited));
  }

  #take(): FunctionProcess | undefined {
    for (const [process, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(process);
      if (process.usable && !process.isStale) return process;
      process.kill();
    }
    return undefined;
  }

  #rest(process: FunctionProcess): void {
    const timer = setTimeout(() => {
      this.#idle.delete(process);
      process.kill();
    }, IDLE_MS);
    this.#idle.set(process, timer.unref());
  }
}

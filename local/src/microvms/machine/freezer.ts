import { setTimeout as pause } from 'node:timers/promises';
import { identity, type ProcessEntry, signal } from './process-table';

const MAX_PASSES = 2000;

/** Stops and continues a set of processes that may grow while it is being stopped. */
export class Freezer {
  readonly #stopped = new Set<string>();

  constructor(private readonly members: () => ProcessEntry[]) {}

  async suspend(): Promise<void> {
    // A process that was forked between the look and the signal shows up in the next pass.
    for (let pass = 0, quiet = 0; quiet < 2; pass++) {
      if (pass === MAX_PASSES) throw new Error('The guest starts processes faster than they can be stopped');
      quiet = this.#stopRunning() ? 0 : quiet + 1;
      await pause(1);
    }
  }

  /** Continues what `suspend` stopped; what the guest had stopped itself stays stopped. */
  resume(): void {
    // Children before parents: a shell that wakes first would report its job as stopped.
    const stopped = this.members().filter((entry) => this.#stopped.has(identity(entry))).reverse();
    this.#stopped.clear();
    for (const entry of stopped) signal(entry.pid, 'SIGCONT');
  }

  /** True if anything was still running. */
  #stopRunning(): boolean {
    let running = false;
    for (const entry of this.members()) {
      if (entry.state === 'T' || entry.state === 't') continue;
      // In an uninterruptible wait the signal stands until the wait is over.
      const pending = entry.state === 'D' && this.#stopped.has(identity(entry));
      this.#stopped.add(identity(entry));
      signal(entry.pid, 'SIGSTOP');
      running ||= !pending;
    }
    return running;
  }
}

/** Kills until nobody is left. A killed process may take a moment to go. */
export async function killAll(members: () => ProcessEntry[]): Promise<void> {
  for (let pass = 0; ; pass++) {
    const left = members();
    if (left.length === 0) return;
    if (pass === MAX_PASSES) throw new Error(`Processes ${left.map((entry) => entry.pid).join(', ')} do not die`);
    for (const entry of left) signal(entry.pid, 'SIGKILL');
    await pause(Math.min(5 * (1 + pass), 20));
  }
}

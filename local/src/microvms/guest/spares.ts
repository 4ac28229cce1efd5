import type { Guest } from './guest';
import { startToReady } from './start-to-ready';
import type { Clock } from '../../clock';
import { isActive, type VersionRecord } from '../images/image-record';
import type { Machine } from '../machine/machine';
import type { Machines } from '../machine/machines';

/** Lines of a spare that its microVM still gets to see. */
const MAX_LINES = 200;

/** An image without a ready hook has this long to start. */
const SETTLE_MS = 500;

export interface SparesOptions {
  readonly machines: Machines;
  readonly clock: Clock;
  /** Spares at the same time; one per image version at most. 0: none. */
  readonly limit: number;
  readonly onWarning: (message: string) => void;
}

/** A machine on its way to be a spare, or one. */
class Spare {
  readonly output = new SpareOutput();
  readonly ending = new AbortController();
  /** Resolves to undefined if it did not get there. */
  machine: Promise<Machine | undefined> = Promise.resolve(undefined);
  /** Its processes are there, or about to be. */
  begun = false;
  claimed = false;
  exited = false;
}

/**
 * Machines that were started ahead and wait, frozen, past `/ready`: what the service's snapshots are to it. A spare knows its image
 * version and nothing else; what it is for it learns with `/run`. The least recently used give way to new ones.
 */
export class Spares {
  readonly #spares = new Map<VersionRecord, Spare>();
  readonly #leaving = new Set<Promise<void>>();
  #closed = false;

  constructor(private readonly options: SparesOptions) {}

  /**
   * A machine past `/ready` that belongs to the caller: the version's spare, or one that is started now. What it writes goes to
   * `onOutput`, from its start on. Undefined: the signal came first, and nothing is left.
   */
  async take(guest: Guest, onOutput: (line: string) => void, signal: AbortSignal): Promise<Machine | undefined> {
    const { machines, clock } = this.options;
    try {
      const machine = await this.#claim(guest, onOutput)
        ?? await startToReady(guest, { machines, clock, onOutput, signal });
      if (!signal.aborted) return machine;
      await machines.stop(machine);
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** Starts a spare in the background, if there is none and the version can be run. */
  prepare(guest: Guest): void {
    const { version } = guest;
    for (const other of this.#spares.keys()) if (!isActive(other)) this.#remove(other);
    if (this.#closed || this.options.limit === 0 || !isActive(version) || this.#spares.has(version)) return;
    const [oldest] = this.#spares.keys();
    if (this.#spares.size >= this.options.limit && oldest) this.#remove(oldest);
    const spare = new Spare();
    this.#spares.set(version, spare);
    spare.machine = this.#start(guest, spare);
    void spare.machine.then((machine) => {
      if (!machine) return this.#forget(version, spare);
      void machine.exited.then(() => this.#onExit(version, spare));
    });
  }

  /** Ends the version's spare; resolves when nothing of it is left. */
  async drop(version: VersionRecord): Promise<void> {
    this.#remove(version);
    await Promise.all(this.#leaving);
  }

  /** Ends all of them and makes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const version of this.#spares.keys()) this.#remove(version);
    await Promise.all(this.#leaving);
  }

  async #claim(guest: Guest, onOutput: (line: string) => void): Promise<Machine | undefined> {
    const { version } = guest;
    const spare = this.#spares.get(version);
    // One that waits for its turn behind others is no faster than a new one.
    if (!spare?.begun) return undefined;
    spare.claimed = true;
    this.#spares.delete(version);
    const machine = await spare.machine;
    if (!machine) return undefined;
    if (spare.exited || this.#closed) {
      await this.options.machines.stop(machine);
      return undefined;
    }
    await machine.resume();
    spare.output.open(onOutput);
    // Whoever wants the next one soon finds it further on its way than after this one's run hook.
    this.prepare(guest);
    return machine;
  }

  async #start(guest: Guest, spare: Spare): Promise<Machine | undefined> {
    const { machines, clock, onWarning } = this.options;
    const { signal } = spare.ending;
    const onTurn = (): void => {
      spare.begun = true;
    };
    let machine: Machine | undefined;
    try {
      const onOutput = (line: string): void => spare.output.write(line);
      machine = await startToReady(guest, { machines, clock, signal, onTurn, onOutput, ahead: true });
      if (!guest.hook('ready') && !spare.claimed) await Promise.race([clock.sleep(SETTLE_MS), aborted(signal)]);
      if (!signal.aborted && !spare.claimed) await machine.suspend();
      return machine;
    } catch (error) {
      if (machine) await machines.stop(machine);
      if (!signal.aborted) onWarning(`Image ${guest.image.name}: no machine could be started ahead: ${(error as Error).message}`);
      return undefined;
    }
  }

  #onExit(version: VersionRecord, spare: Spare): void {
    spare.exited = true;
    if (this.#spares.get(version) === spare) this.#remove(version);
  }

  #forget(version: VersionRecord, spare: Spare): void {
    if (this.#spares.get(version) === spare) this.#spares.delete(version);
  }

  #remove(version: VersionRecord): void {
    const spare = this.#spares.get(version);
    if (!spare) return;
    this.#spares.delete(version);
    spare.ending.abort();
    const leaving = spare.machine.then((machine) => (machine ? this.options.machines.stop(machine) : undefined))
      .catch((error: unknown) => this.options.onWarning(`A machine that was started ahead does not end: ${(error as Error).message}`))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}

/** Keeps the newest lines until somebody is there to take them. */
class SpareOutput {
  readonly #lines: string[] = [];
  #take?: (line: string) => void;

  write(line: string): void {
    if (this.#take) return this.#take(line);
    if (this.#lines.push(line) > MAX_LINES) this.#lines.shift();
  }

  open(take: (line: string) => void): void {
    this.#take = take;
    for (const line of this.#lines.splice(0)) take(line);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

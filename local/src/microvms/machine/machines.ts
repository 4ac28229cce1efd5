import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Machine, MachineSpec, StartMachine } from './machine';
import { Turns } from './turns';

/** A guest that takes longer than this to get ready lets the next one start. */
const MAX_TURN_MS = 3000;

export interface StartOptions {
  /** Nobody waits for this machine: those that somebody waits for start first. */
  readonly ahead?: boolean;
  /** Aborted before its turn has come, the machine is not started. */
  readonly signal?: AbortSignal;
  /** Told when the machine's turn has come. */
  readonly onTurn?: () => void;
  /** What the machine does before others should compete with it for the processors. */
  readonly settle?: (machine: Machine) => Promise<unknown>;
}

/** Every machine of the service, so that none outlives it. So many start at the same time as the processors can serve. */
export class Machines {
  readonly #running = new Set<Machine>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #turns = new Turns(2 * availableParallelism());
  #closed = false;

  constructor(private readonly startMachine: StartMachine, private readonly folder: string) {}

  async start(spec: Omit<MachineSpec, 'folder'>, { ahead = false, signal, onTurn, settle }: StartOptions = {}): Promise<Machine> {
    const endTurn = await this.#turns.take(!ahead);
    const limit = setTimeout(endTurn, MAX_TURN_MS);
    try {
      signal?.throwIfAborted();
      onTurn?.();
      const machine = await this.#start(spec);
      await settle?.(machine);
      return machine;
    } finally {
      clearTimeout(limit);
      endTurn();
    }
  }

  async stop(machine: Machine): Promise<void> {
    await machine.stop();
    this.#running.delete(machine);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#running].map((machine) => this.stop(machine)));
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#running].map((machine) => this.stop(machine)));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #start(spec: Omit<MachineSpec, 'folder'>): Promise<Machine> {
    if (this.#closed) throw new Error('The local cloud is closed');
    const starting = this.startMachine({ ...spec, folder: join(this.folder, randomUUID().slice(0, 8)) });
    this.#starting.add(starting);
    try {
      const machine = await starting;
      this.#running.add(machine);
      if (this.#closed) await this.stop(machine);
      return machine;
    } finally {
      this.#starting.delete(starting);
    }
  }
}

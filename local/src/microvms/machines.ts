import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine, MachineSpec, StartMachine } from './machine/machine';

/** Every machine of the service, so that none outlives it. */
export class Machines {
  readonly #running = new Set<Machine>();
  readonly #starting = new Set<Promise<unknown>>();
  #closed = false;

  constructor(private readonly startMachine: StartMachine, private readonly folder: string) {}

  async start(spec: Omit<MachineSpec, 'folder'>): Promise<Machine> {
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
}

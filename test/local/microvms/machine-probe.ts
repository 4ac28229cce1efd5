import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Isolation } from '../../../local/src/microvms';
import type { Machine, MachineSpec } from '../../../local/src/microvms/machine/machine';
import { machineStarter } from '../../../local/src/microvms/machine/start-machine';

/** A machine that runs a shell script, and what it has written so far. */
export interface Probe {
  readonly machine: Machine;
  readonly lines: string[];
  readonly folder: string;
}

const bases: string[] = [];
const machines: Machine[] = [];

/** Ends what a test started, also one that failed half-way. */
export async function endProbes(): Promise<void> {
  await Promise.all(machines.splice(0).map((machine) => machine.stop()));
  for (const base of bases.splice(0)) rmSync(base, { recursive: true, force: true });
}

/** Folders that a test's machines have made so far. */
export const probeFolders = (): readonly string[] => bases;

export async function startScript(
  isolation: Isolation,
  script: string,
  more: Partial<MachineSpec> = {},
  hidden: readonly string[] = [],
): Promise<Probe> {
  const base = mkdtempSync(join(tmpdir(), 'mv-'));
  bases.push(base);
  const rootfs = join(base, 'rootfs');
  mkdirSync(join(rootfs, 'workspace'), { recursive: true });
  const lines: string[] = [];
  const folder = join(base, 'machine');
  const machine = await machineStarter(isolation, [base, ...hidden])({
    folder,
    rootfs,
    command: ['sh', '-c', script],
    workingDirectory: '/workspace',
    environment: {},
    ports: [],
    onOutput: (line) => void lines.push(line),
    ...more,
  });
  machines.push(machine);
  return { machine, lines, folder };
}

/** Pids of live processes that have this text in their command line. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid)).filter((pid) => {
    try {
      const dead = /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      return !dead && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
}

export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const limit = Date.now() + 10_000; !holds();) {
    if (Date.now() > limit) throw new Error(`${what} did not come about`);
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

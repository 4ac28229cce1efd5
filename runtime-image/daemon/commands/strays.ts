import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/** In the environment of everything that a command starts. */
export const MARK_VARIABLE = 'MICROVM_SANDBOX_COMMAND';

/** Read of a process's environment: its owner decides how large that is. */
const ENVIRONMENT_BYTES = 256 * 1024;

/** Looks until nothing new is found, at most: each stops what it finds, so the next finds fewer. */
const MAX_LOOKS = 100;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** With the id it names one process: ids are used again. */
  readonly startedAt: string;
}

/**
 * What a command started, also where it left the command's process group: known by the mark in its environment, its session, or
 * its parent. A process that shed all three before the first look is not found. Needs Linux's /proc; elsewhere finds nothing.
 */
export class Strays {
  readonly mark = randomUUID();
  /** Found before; their parents may have ended since. */
  readonly #found = new Map<number, string>();

  any(leader: number): boolean {
    return this.#look(leader).length > 0;
  }

  /** Leaves the group out, which takes its signal as one. */
  terminate(leader: number): void {
    for (const { pid, group } of this.#look(leader)) if (group !== leader) signal(pid, 'SIGTERM');
  }

  /** Stops all of them before it kills the first: a parent that is alive gives its children away, and a stopped one has no more. */
  kill(leader: number): void {
    const stopped = new Set<number>();
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const fresh = this.#look(leader).filter(({ pid }) => !stopped.has(pid));
      if (fresh.length === 0) break;
      for (const { pid } of fresh) {
        stopped.add(pid);
        signal(pid, 'SIGSTOP');
      }
    }
    for (const pid of stopped) signal(pid, 'SIGKILL');
  }

  #look(leader: number): Row[] {
    const rows = processTable();
    const ours = new Map(rows.filter((row) => this.#isOurs(row, leader)).map((row) => [row.pid, row]));
    for (let before = -1; before < ours.size;) {
      before = ours.size;
      for (const row of rows) if (ours.has(row.parent)) ours.set(row.pid, row);
    }
    for (const { pid, startedAt } of ours.values()) this.#found.set(pid, startedAt);
    return [...ours.values()];
  }

  #isOurs({ pid, session, startedAt }: Row, leader: number): boolean {
    return session === leader || this.#found.get(pid) === startedAt || environmentOf(pid).includes(`${MARK_VARIABLE}=${this.mark}\0`);
  }
}

/** What runs, without the daemon, the first process, and those that have ended and wait to be reaped. */
function processTable(): Row[] {
  const rows: Row[] = [];
  for (const name of processIds()) {
    const pid = Number(name);
    const line = pid > 1 && pid !== process.pid ? readStatus(pid) : '';
    // A program's name stands in parentheses and may hold any character.
    const [state, parent, group, session, ...rest] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const startedAt = rest[15];
    if (startedAt === undefined || state === 'Z' || state === 'X') continue;
    rows.push({ pid, parent: Number(parent), group: Number(group), session: Number(session), startedAt });
  }
  return rows;
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

/** Empty if the process has ended or is not ours to look into. */
function environmentOf(pid: number): string {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${pid}/environ`, 'r');
    const bytes = Buffer.allocUnsafe(ENVIRONMENT_BYTES);
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function signal(pid: number, name: 'SIGTERM' | 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile, or is not ours to end.
  }
}

import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { identity, listProcesses, signal } from './process-table';

/** In the environment of a machine's processes that belong to no guest, or of all of them: the local cloud that they are of. */
export const OWNER_VARIABLE = 'MICROVM_LOCAL_OWNER';

/** What forks faster than it is killed is beaten by going over the list again. */
const MAX_PASSES = 50;

let own: string | undefined;

/** This process as no other one is told. */
export function ownerMark(): string {
  own ??= `${visibility()} ${encodeURIComponent(ownIdentity())}`;
  return own;
}

/**
 * Ends the processes of machines whose local cloud has died without ending them, and the watcher with it. The mark in their
 * environment names that cloud's process; those of a live one are left alone, and so is everything that was started where other process
 * numbers hold, as in a container. Answers how many it ended.
 */
export async function endLeftovers(): Promise<number> {
  const ended = new Set<number>();
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const left = leftovers();
    if (left.length === 0) break;
    for (const pid of left) {
      signal(pid, 'SIGKILL');
      ended.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return ended.size;
}

function leftovers(): number[] {
  const table = listProcesses();
  const alive = new Set(table.map((entry) => encodeURIComponent(identity(entry))));
  const here = visibility();
  return marks(table.map(({ pid }) => pid)).flatMap(({ pid, mark }) => {
    const [place, owner = ''] = mark.split(' ');
    return place === here && owner !== '' && !alive.has(owner) && pid !== process.pid ? [pid] : [];
  });
}

/** Of the processes that this user may look into. */
function marks(pids: readonly number[]): { pid: number; mark: string }[] {
  if (process.platform !== 'linux') return psMarks();
  return pids.flatMap((pid) => {
    try {
      const entries = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      const entry = entries.find((candidate) => candidate.startsWith(`${OWNER_VARIABLE}=`));
      return entry === undefined ? [] : [{ pid, mark: entry.slice(OWNER_VARIABLE.length + 1) }];
    } catch {
      return [];
    }
  });
}

function psMarks(): { pid: number; mark: string }[] {
  const output = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'latin1', maxBuffer: 64 * 1024 ** 2 });
  return output.split('\n').flatMap((line) => {
    const match = new RegExp(`^\\s*(\\d+) .*\\b${OWNER_VARIABLE}=(\\S+ \\S+)`).exec(line);
    return match ? [{ pid: Number(match[1]), mark: match[2] }] : [];
  });
}

function ownIdentity(): string {
  const entry = listProcesses().find(({ pid }) => pid === process.pid);
  return entry ? identity(entry) : '';
}

/** Equal for processes that number processes alike. */
function visibility(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return process.platform;
  }
}

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** First letter of the state: `T` and `t` are stopped, `Z` and `X` are dead. */
  readonly state: string;
  /** Tells a process from a later one with the same pid. */
  readonly startedAt: string;
}

/** Longer than any line that the kernel writes there. */
const STAT = Buffer.alloc(4096);

/** Every process of this machine that is not dead. */
export function listProcesses(): ProcessEntry[] {
  const all = process.platform === 'linux' ? readProc() : readPs();
  return all.filter((entry) => entry.state !== 'Z' && entry.state !== 'X');
}

/** When a process started, in ticks of the kernel; 0 where nobody tells. */
export function startOf(pid: number | undefined): number {
  try {
    return Number(parseStat(readStat(String(pid))).startedAt);
  } catch {
    return 0;
  }
}

/** `roots` and all that descend from them. */
export function descendants(table: readonly ProcessEntry[], roots: ReadonlySet<number>): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of table) children.set(entry.parentPid, [...(children.get(entry.parentPid) ?? []), entry]);
  const found = new Map(table.filter((entry) => roots.has(entry.pid)).map((entry) => [entry.pid, entry]));
  for (const [pid] of found) {
    for (const child of children.get(pid) ?? []) found.set(child.pid, child);
  }
  return [...found.values()];
}

export function identity(entry: ProcessEntry): string {
  return `${entry.pid}@${entry.startedAt}`;
}

/** Sends a signal; a process that is gone by now is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readProc(): ProcessEntry[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return [parseStat(readStat(pid))];
    } catch {
      return [];
    }
  });
}

/** Reads in one step: the table is read often, and most of what `readFileSync` does is for files that are longer. */
function readStat(pid: string): string {
  const file = openSync(`/proc/${pid}/stat`, 'r');
  try {
    return STAT.toString('latin1', 0, readSync(file, STAT, 0, STAT.length, 0));
  } finally {
    closeSync(file);
  }
}

function parseStat(stat: string): ProcessEntry {
  // The name stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A process whose first thread has ended looks dead while its other threads run on.
  const headless = fields[0] === 'Z' && Number(fields[17]) > 1;
  return {
    pid: Number.parseInt(stat, 10),
    state: headless ? 'D' : fields[0],
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    startedAt: fields[19],
  };
}

function readPs(): ProcessEntry[] {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,lstart='], { encoding: 'utf8' });
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S)\S*\s+(.+?)\s*$/.exec(line);
    if (!match) return [];
    const [, pid, parentPid, groupId, state, startedAt] = match;
    return [{ pid: Number(pid), parentPid: Number(parentPid), groupId: Number(groupId), state, startedAt }];
  });
}

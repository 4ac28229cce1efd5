import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that no later one with the same pid is taken for. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system tells it; empty where it does not. */
  readonly startedAt: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startOf(process.pid) ?? '' };
}

/** Whether the very process lives. In doubt it does. */
export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const start = startOf(pid);
  return start === undefined || startedAt === '' || start === startedAt;
}

/** Undefined: there is no such process, or the system does not tell. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return linuxStart(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).trim();
  } catch {
    return undefined;
  }
}

/** Ticks since the machine's start, and which start of the machine that was. */
function linuxStart(stat: string): string {
  // The name stands in parentheses and may hold spaces and parentheses itself.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `${ticks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`;
}

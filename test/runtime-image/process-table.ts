import { execFileSync } from 'node:child_process';

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly state: string;
  readonly name: string;
}

function processTable(): Row[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,comm='], { encoding: 'utf8' }).trim().split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .map(([pid, parent, group, state, name]) => (
      { pid: Number(pid), parent: Number(parent), group: Number(group), state, name }
    ));
}

/** Not so for an ended process that nobody reaped yet. */
export function isAlive(pid: number): boolean {
  return living().some((row) => row.pid === pid);
}

export function groupMembers(group: number): number[] {
  return living().filter((row) => row.group === group).map(({ pid }) => pid);
}

/** The names of a process's children, also of those that ended and were not reaped. */
export function childrenOf(parent: number): { pid: number; name: string }[] {
  return processTable().filter((row) => row.parent === parent);
}

function living(): Row[] {
  return processTable().filter(({ state }) => !state.startsWith('Z'));
}

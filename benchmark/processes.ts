import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessMemory {
  /** Bytes, shared pages divided by those who share them. */
  readonly pss: number;
  readonly processes: number;
}

/** The processes that descend from this one and this one itself: apart from those inside of guests. Linux with namespaces only. */
export function memoryBesideGuests(): ProcessMemory {
  const own = family().filter((pid) => !isGuest(pid));
  return { pss: own.reduce((sum, pid) => sum + pssOf(pid), 0), processes: own.length };
}

/** How many processes descend from this one. */
export function descendantCount(): number {
  return family().length - 1;
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function family(): string[] {
  const parents = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1];
    if (parent) parents.set(pid, parent);
  }
  const descends = (pid: string | undefined): boolean => (
    pid === String(process.pid) || (pid !== undefined && pid !== '0' && descends(parents.get(pid)))
  );
  // esbuild serves tsx, which runs this benchmark.
  return [...parents.keys()].filter((pid) => descends(pid) && !read(`/proc/${pid}/cmdline`).includes('esbuild'));
}

function isGuest(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync('/proc/self/ns/pid');
  } catch {
    return false;
  }
}

function pssOf(pid: string): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

import { closeSync, openSync, readlinkSync } from 'node:fs';
import { descendants, listProcesses, type ProcessEntry } from './process-table';

/** The process namespace of a guest, by the guest's first process as this machine numbers it. */
export class GuestNamespace {
  /** Undefined if that process is gone. */
  static of(pid: number): GuestNamespace | undefined {
    try {
      return new GuestNamespace(pid, openSync(`/proc/${pid}/ns/pid`, 'r'));
    } catch {
      return undefined;
    }
  }

  readonly #name: string;
  #closed = false;

  /** While `file` is open, the kernel gives the namespace's number to no other one; else the next one would have it at once. */
  private constructor(private readonly pid: number, private readonly file: number) {
    this.#name = readlinkSync(`/proc/self/fd/${file}`);
  }

  /** All that runs in it or in one that was made inside of it. */
  processes(): ProcessEntry[] {
    if (this.#closed) return [];
    const table = listProcesses();
    const first = table.some(({ pid }) => pid === this.pid && this.#holds(pid));
    const tree = first ? descendants(table, new Set([this.pid])) : [];
    const known = new Set(tree.map(({ pid }) => pid));
    return [...tree, ...table.filter(({ pid }) => !known.has(pid) && this.#holds(pid))];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.file);
  }

  #holds(pid: number): boolean {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`) === this.#name;
    } catch {
      return false;
    }
  }
}

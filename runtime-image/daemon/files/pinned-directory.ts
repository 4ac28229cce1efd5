import { existsSync } from 'node:fs';
import { chown, constants, lchown, lstat, mkdir, open, opendir, readlink, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../errors';

/** Linux's O_PATH, which Node does not name: holds a directory without the right to read it. */
const O_PATH = 0o10000000;
/* eslint-disable no-bitwise -- flags of open(2) */
const DIRECTORY = O_PATH | constants.O_DIRECTORY;
const DIRECTORY_ITSELF = DIRECTORY | constants.O_NOFOLLOW;
const LINK_ITSELF = O_PATH | constants.O_NOFOLLOW;
/* eslint-enable no-bitwise */
const HANDLES = '/proc/self/fd';
const hasHandles = existsSync(HANDLES);

/**
 * A directory held open. Code in the sandbox may swap any directory for a symbolic link between a check and a use; paths
 * below `/proc/self/fd` go through the directory that was checked. Where there is no such folder, plain paths have to do.
 */
export class PinnedDirectory {
  /** Throws the system's error. `follow`: whether the last part may be a symbolic link. */
  static async open(path: string, follow: boolean): Promise<PinnedDirectory> {
    if (!hasHandles) {
      const status = follow ? undefined : await lstat(path);
      if (status && !status.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
      return new PinnedDirectory(undefined, await realpath(path));
    }
    const handle = await open(path, follow ? DIRECTORY : DIRECTORY_ITSELF);
    try {
      return new PinnedDirectory(handle, await readlink(`${HANDLES}/${handle.fd}`));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The path to use in system calls. */
  readonly self: string;
  /** Where it really lay when it was opened. */
  readonly real: string;
  readonly #handle?: FileHandle;

  private constructor(handle: FileHandle | undefined, real: string) {
    this.#handle = handle;
    this.real = real;
    this.self = handle ? `${HANDLES}/${handle.fd}` : real;
  }

  /** The path of an entry, to use in system calls. */
  child(name: string): string {
    return `${this.self}/${name}`;
  }

  realChild(name: string): string {
    return posix.join(this.real, name);
  }

  async openChild(name: string, follow: boolean): Promise<PinnedDirectory> {
    return PinnedDirectory.open(this.child(name), follow);
  }

  /** True if it was made, false if something of that name was there. */
  async makeChild(name: string): Promise<boolean> {
    try {
      await mkdir(this.child(name), 0o755);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  async isEmpty(): Promise<boolean> {
    const entries = await opendir(this.self);
    try {
      return await entries.read() === null;
    } finally {
      await entries.close();
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}

/** Gives a symbolic link to a user, and nothing else that code in the sandbox may have put in its place. */
export async function ownLink(at: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  if (!hasHandles) return lchown(at, uid, gid);
  const handle = await open(at, LINK_ITSELF);
  try {
    if ((await handle.stat()).isSymbolicLink()) await chown(`${HANDLES}/${handle.fd}`, uid, gid);
  } finally {
    await handle.close();
  }
}

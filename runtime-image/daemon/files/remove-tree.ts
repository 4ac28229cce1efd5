import { lstat, opendir, rmdir, unlink } from 'node:fs/promises';
import { DaemonError, errnoOf } from '../errors';
import type { PinnedDirectory } from './pinned-directory';

/** Every level holds a directory open. */
const MAX_DEPTH = 128;

/** Removes an entry and all below it, and never goes through a symbolic link, also not one that appears meanwhile. */
export async function removeTree(parent: PinnedDirectory, name: string, depth = 1): Promise<void> {
  if (!(await lstat(parent.child(name))).isDirectory()) {
    await unlink(parent.child(name));
    return;
  }
  if (depth > MAX_DEPTH) throw new DaemonError('too_large', `${name}: nested deeper than ${MAX_DEPTH} levels; remove it by a command`);
  const directory = await parent.openChild(name, false);
  try {
    for await (const entry of await opendir(directory.self)) {
      await removeTree(directory, entry.name, depth + 1).catch(ignoreGone);
    }
  } finally {
    await directory.close();
  }
  await rmdir(parent.child(name));
}

function ignoreGone(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

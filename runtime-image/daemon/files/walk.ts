import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { DaemonError, errnoOf } from '../errors';
import type { PinnedDirectory } from './pinned-directory';

/** Every level holds a directory open. */
const MAX_DEPTH = 128;

export interface WalkedEntry {
  readonly directory: PinnedDirectory;
  readonly name: string;
  /** Below the directory that the walk began in. */
  readonly relative: string;
  readonly status: Stats;
}

/**
 * Every entry below a directory, parents first; symbolic links are entries and are not followed.
 * Entries that vanish meanwhile are left out. `depth`: levels, 1 for the directory's own entries.
 */
export async function* walk(directory: PinnedDirectory, depth: number, prefix = ''): AsyncGenerator<WalkedEntry> {
  for await (const { name } of await opendir(directory.self)) {
    const status = await unlessGone(lstat(directory.child(name)));
    if (!status) continue;
    const relative = prefix + name;
    yield { directory, name, relative, status };
    if (!status.isDirectory() || depth === 1) continue;
    if (relative.split('/').length >= MAX_DEPTH) throw new DaemonError('too_large', `${relative}: nested deeper than ${MAX_DEPTH} levels`);
    const inner = await unlessGone(directory.openChild(name, false));
    if (!inner) continue;
    try {
      yield* walk(inner, depth - 1, `${relative}/`);
    } finally {
      await inner.close();
    }
  }
}

async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

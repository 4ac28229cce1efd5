import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { EntryInfo } from '../../../client/src/protocol/daemon';

/** A file may claim any time; no reader's date is further from the epoch. */
const LAST_DATE_MS = 8.64e15;

/** The entry at `at`, a path for system calls, told as `path`. Does not follow a symbolic link. */
export async function entryInfo(at: string, path: string): Promise<EntryInfo> {
  const status = await lstat(at);
  const info: EntryInfo = {
    name: posix.basename(path),
    path,
    type: typeOf(status),
    size: status.size,
    mode: status.mode % 0o10000,
    modifiedAt: Math.min(Math.max(Math.round(status.mtimeMs), -LAST_DATE_MS), LAST_DATE_MS),
  };
  return info.type === 'symlink' ? { ...info, symlinkTarget: await readlink(at) } : info;
}

function typeOf(status: Stats): EntryInfo['type'] {
  if (status.isFile()) return 'file';
  if (status.isDirectory()) return 'directory';
  return status.isSymbolicLink() ? 'symlink' : 'other';
}

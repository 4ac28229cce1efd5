import { lstat, rmdir, unlink } from 'node:fs/promises';
import { DaemonError, errnoOf } from '../errors';
import type { Operation } from './operation';
import type { FileSystem, Place } from '../files/file-system';
import { removeTree } from '../files/remove-tree';
import { flagParameter, pathParameter, sendNothing } from '../http/exchange';

export const deleteFile: Operation = async (exchange, { files }) => {
  const recursive = flagParameter(exchange, 'recursive');
  await files.at(pathParameter(exchange), { follow: false }, async (place) => {
    refuseRoot(files, place);
    if (recursive) await removeTree(place.directory, place.name);
    else if ((await lstat(place.at)).isDirectory()) await removeEmpty(place);
    else await unlink(place.at);
  });
  sendNothing(exchange.response);
};

/** Throws for the folders that the API itself relies on. */
export function refuseRoot(files: FileSystem, { directory, name, path }: Place): void {
  if (!files.reach.isRoot(directory.realChild(name))) return;
  throw new DaemonError('permission_denied', `${path}: cannot be deleted, moved or replaced itself; name what is in it`);
}

async function removeEmpty(place: Place): Promise<void> {
  try {
    await rmdir(place.at);
  } catch (error) {
    // Some systems say EEXIST.
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    throw new DaemonError('directory_not_empty', `${place.path}: the directory is not empty; delete with recursive=true`);
  }
}

import type { Stats } from 'node:fs';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import type { EntryInfo } from '../../../client/src/protocol/daemon';
import { DaemonError, errnoOf } from '../errors';
import { refuseRoot } from './delete-file';
import type { Operation } from './operation';
import { READ_FILE } from './read-file';
import { entryInfo } from '../files/entry-info';
import type { FileSystem, Place } from '../files/file-system';
import { removeTree } from '../files/remove-tree';
import { temporaryName, writeWhole } from '../files/write-whole';
import { sendJson } from '../http/exchange';
import { readJson } from '../http/json-body';

export const moveFile: Operation = async (exchange, { files }) => {
  const fields = await readJson(exchange, ['from', 'to', 'overwrite']);
  const [from, to, overwrite] = [fields.text('from'), fields.text('to'), fields.flag('overwrite')];
  const info = await files.at(from, { follow: false, field: 'from' }, async (source) => (
    files.at(to, { follow: false, field: 'to' }, async (target) => move(files, { source, target, overwrite }))
  ));
  sendJson(exchange.response, 200, info);
};

interface Ends {
  readonly source: Place;
  readonly target: Place;
}

interface Move extends Ends {
  readonly overwrite: boolean;
}

async function move(files: FileSystem, { source, target, overwrite }: Move): Promise<EntryInfo> {
  refuseRoot(files, source);
  refuseRoot(files, target);
  const status = await statusOf(source);
  if (!status) throw new DaemonError('file_not_found', `${source.path}: there is no such file or directory`);
  const replaced = await statusOf(target);
  if (replaced && !overwrite) {
    throw new DaemonError('file_exists', `${target.path}: exists already; move with "overwrite": true to replace it`);
  }
  const steppingAside = replaced && (replaced.isDirectory() || status.isDirectory()) && !isSame(status, replaced);
  if (steppingAside) await replaceTree(source, target);
  else await relocate(files, { source, target }, status);
  return entryInfo(target.at, target.path);
}

/** The old tree steps aside and comes back if the move fails: rename(2) replaces no directory that holds something. */
async function replaceTree(source: Place, target: Place): Promise<void> {
  const aside = temporaryName();
  await rename(target.at, target.directory.child(aside));
  try {
    await rename(source.at, target.at);
  } catch (error) {
    await rename(target.directory.child(aside), target.at);
    throw betweenFileSystems(error) ? cannotMoveTree(source) : error;
  }
  await removeTree(target.directory, aside);
}

async function relocate(files: FileSystem, { source, target }: Ends, status: Stats): Promise<void> {
  try {
    await rename(source.at, target.at);
  } catch (error) {
    if (!betweenFileSystems(error)) throw error;
    if (!status.isFile()) throw cannotMoveTree(source);
    await copyAcross(files, source, target);
  }
}

/** The workspace and /tmp may be different file systems. */
async function copyAcross(files: FileSystem, source: Place, target: Place): Promise<void> {
  const handle = await open(source.at, READ_FILE);
  try {
    const { mode, mtime } = await handle.stat();
    const bytes = handle.createReadStream({ autoClose: false });
    await writeWhole(files, target, bytes, { mode: mode % 0o1000, modifiedAt: mtime });
  } finally {
    await handle.close();
  }
  await unlink(source.at);
}

function betweenFileSystems(error: unknown): boolean {
  return errnoOf(error) === 'EXDEV';
}

function cannotMoveTree(source: Place): DaemonError {
  return new DaemonError('unsupported', `${source.path}: lies on another file system than the target; move it by the command mv`);
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

async function statusOf(place: Place): Promise<Stats | undefined> {
  try {
    return await lstat(place.at);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

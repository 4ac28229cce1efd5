import { randomBytes } from 'node:crypto';
import { constants, lstat, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DaemonError, errnoOf } from '../errors';
import type { FileSystem, Place } from './file-system';

/* eslint-disable-next-line no-bitwise -- flags of open(2) */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface WriteOptions {
  /** Permission bits. Default: those of the file that is replaced, else 0o644. */
  readonly mode?: number;
  readonly modifiedAt?: Date;
}

/** Writes a file beside its place and moves it there: readers see the old file or the whole new one. */
export async function writeWhole(
  files: FileSystem, place: Place, source: AsyncIterable<Uint8Array>, options: WriteOptions = {},
): Promise<void> {
  const replacedBits = await replacedMode(place);
  const mode = options.mode ?? replacedBits;
  const temporary = place.directory.child(temporaryName());
  const handle = await open(temporary, NEW_FILE, 0o600);
  try {
    await fill(handle, files.reserve.guard(place.directory, source));
    await files.own(handle);
    await handle.chmod(mode);
    if (options.modifiedAt) await handle.utimes(options.modifiedAt, options.modifiedAt);
    await handle.close();
    await rename(temporary, place.at);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** A name that nothing has. */
export function temporaryName(): string {
  return `.partial-${randomBytes(8).toString('hex')}`;
}

async function fill(handle: FileHandle, source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of source) {
    for (let written = 0; written < chunk.length;) {
      written += (await handle.write(chunk, written)).bytesWritten;
    }
  }
}

async function replacedMode(place: Place): Promise<number> {
  try {
    const status = await lstat(place.at);
    if (status.isDirectory()) throw new DaemonError('is_a_directory', `${place.path}: is a directory; a file cannot replace it`);
    return status.isFile() ? status.mode % 0o1000 : 0o644;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0o644;
    throw error;
  }
}

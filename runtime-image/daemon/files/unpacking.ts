import { chmod, link, lstat, symlink, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { DaemonError, errnoOf, fromSystemError, invalid } from '../errors';
import type { FileSystem, Place } from './file-system';
import type { PinnedDirectory } from './pinned-directory';
import { isWithin } from './reach';
import type { TarHeader } from './read-tar';
import { readTar } from './read-tar';
import type { WriteOptions } from './write-whole';
import { writeWhole } from './write-whole';

const MAX_ENTRIES = 1_000_000;

/** Unpacks one archive below a directory and nowhere else. What was unpacked before a refused entry stays. */
export class Unpacking {
  readonly #files: FileSystem;
  readonly #target: PinnedDirectory;
  /** Set at the end: a directory may allow less than unpacking into it takes. */
  readonly #directoryModes = new Map<string, number>();
  #entries = 0;

  constructor(files: FileSystem, target: PinnedDirectory) {
    this.#files = files;
    this.#target = target;
  }

  /** How many entries were unpacked. */
  async run(source: Readable): Promise<number> {
    for await (const { header, body } of readTar(source)) {
      try {
        await this.#unpack(header, body);
      } catch (error) {
        throw fromSystemError(error, `entry ${shownName(header)}`) ?? error;
      }
      if (++this.#entries > MAX_ENTRIES) throw new DaemonError('too_large', `the archive holds more than ${MAX_ENTRIES} entries`);
    }
    for (const [name, mode] of [...this.#directoryModes].reverse()) await this.#setMode(name, mode);
    return this.#entries;
  }

  async #unpack(header: TarHeader, body: AsyncIterable<Uint8Array>): Promise<void> {
    const parts = partsOf(header.name, `entry ${shownName(header)}`);
    const name = parts.at(-1);
    if (header.type === 'directory') {
      await (await this.#descend(parts, header)).close();
      this.#directoryModes.set(parts.join('/'), permissions(header, 0o755));
    } else if (name === undefined) {
      throw invalid(`entry ${shownName(header)}: names the target itself`);
    } else {
      const directory = await this.#descend(parts.slice(0, -1), header);
      try {
        await this.#place({ directory, name, at: directory.child(name), path: `entry ${shownName(header)}` }, header, body);
      } finally {
        await directory.close();
      }
    }
  }

  async #place(place: Place, header: TarHeader, body: AsyncIterable<Uint8Array>): Promise<void> {
    switch (header.type) {
      case 'file':
      case 'contiguous-file':
        await this.#files.reserve.require(place.directory, header.size);
        return writeWhole(this.#files, place, body, writeOptions(header));
      case 'symlink':
        return this.#linkSymbolically(place, header);
      case 'link':
        return this.#linkHard(place, header);
      default:
        throw invalid(`${place.path}: only files, directories and links are unpacked, this is ${header.type ?? 'of an unknown type'}`);
    }
  }

  /** The link may point anywhere: nothing of ours follows it out of reach. */
  async #linkSymbolically(place: Place, header: TarHeader): Promise<void> {
    const target = header.linkname ?? '';
    if (target === '' || target.includes('\0')) throw invalid(`${place.path}: a symbolic link without a target`);
    await clear(place);
    await symlink(target, place.at);
    await this.#files.own({ link: place.at });
  }

  /** To a file that lies below the target, by its name in the archive. */
  async #linkHard(place: Place, header: TarHeader): Promise<void> {
    const parts = partsOf(header.linkname ?? '', `${place.path}: the file it links to`);
    const name = parts.at(-1);
    if (name === undefined) throw invalid(`${place.path}: links to the target itself`);
    const directory = await this.#descend(parts.slice(0, -1), header);
    try {
      if (!(await lstat(directory.child(name))).isFile()) throw invalid(`${place.path}: links to something that is not a file`);
      await clear(place);
      await link(directory.child(name), place.at);
    } finally {
      await directory.close();
    }
  }

  /** Opens a directory below the target, and makes what is missing of it. */
  async #descend(parts: readonly string[], header: Pick<TarHeader, 'name'>): Promise<PinnedDirectory> {
    let current = await this.#target.openChild('.', false);
    for (const part of parts) {
      const parent = current;
      try {
        current = (await this.#files.enter(parent, part, true)).directory;
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') throw leaves(header, part);
        throw error;
      } finally {
        await parent.close();
      }
      if (isWithin(this.#target.real, current.real)) continue;
      await current.close();
      throw leaves(header, part);
    }
    return current;
  }

  async #setMode(name: string, mode: number): Promise<void> {
    const directory = await this.#descend(name === '' ? [] : name.split('/'), { name });
    try {
      await chmod(directory.self, mode);
    } finally {
      await directory.close();
    }
  }
}

function leaves(header: Pick<TarHeader, 'name'>, part: string): DaemonError {
  return invalid(`entry ${shownName(header)}: goes through the symbolic link ${JSON.stringify(part)}, which leaves the target`);
}

/** The parts of an entry's name; empty for the target itself. */
function partsOf(name: string, what: string): string[] {
  if (posix.isAbsolute(name)) throw invalid(`${what}: has an absolute path; entries are relative to the target`);
  if (name.includes('\0')) throw invalid(`${what}: holds a NUL character`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalid(`${what}: has ".." in its path`);
  return parts;
}

/** Without the set-uid, set-gid and sticky bits. */
function permissions(header: TarHeader, otherwise: number): number {
  return Number.isInteger(header.mode) ? header.mode % 0o1000 : otherwise;
}

function writeOptions(header: TarHeader): WriteOptions {
  const mode = permissions(header, 0o644);
  return Number.isFinite(header.mtime.getTime()) ? { mode, modifiedAt: header.mtime } : { mode };
}

function shownName(header: Pick<TarHeader, 'name'>): string {
  return JSON.stringify(header.name).slice(0, 200);
}

async function clear(place: Place): Promise<void> {
  try {
    await unlink(place.at);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

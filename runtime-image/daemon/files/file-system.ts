import { chown, lstat, readlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { DaemonError, errnoOf, fromSystemError, invalid } from '../errors';
import type { Identity } from '../identity';
import { DiskReserve } from './disk-reserve';
import { ownLink, PinnedDirectory } from './pinned-directory';
import type { Reach } from './reach';

const MAX_LINKS = 40;

/** An entry, existing or not, by the directory that holds it. */
export interface Place {
  readonly directory: PinnedDirectory;
  readonly name: string;
  /** The path in system calls. */
  readonly at: string;
  /** The absolute path that the caller asked for. */
  readonly path: string;
}

export interface PlaceOptions {
  /** Follow a symbolic link at the end of the path; those on the way are always followed. */
  readonly follow: boolean;
  /** Make missing parents. */
  readonly makeParents?: boolean;
  /** The field that held the path. */
  readonly field?: string;
}

export interface Entered {
  readonly directory: PinnedDirectory;
  readonly created: boolean;
}

/** The files of the sandbox as the API may touch them. */
export class FileSystem {
  readonly reach: Reach;
  readonly reserve: DiskReserve;
  readonly #owner: Identity;

  constructor(reach: Reach, owner: Identity, reserveBytes: number) {
    this.reach = reach;
    this.reserve = new DiskReserve(reserveBytes);
    this.#owner = owner;
  }

  /** Runs `work` with the place of a path, and turns what the system says into errors about that path. */
  async at<T>(path: string, options: PlaceOptions, work: (place: Place) => Promise<T>): Promise<T> {
    const absolute = this.reach.resolve(path, options.field);
    try {
      const place = await this.#locate(absolute, options);
      try {
        return await work(place);
      } finally {
        await place.directory.close();
      }
    } catch (error) {
      throw error instanceof DaemonError ? error : fromSystemError(error, absolute) ?? error;
    }
  }

  /** Runs `work` with an existing directory. */
  async within<T>(path: string, work: (directory: PinnedDirectory, path: string) => Promise<T>): Promise<T> {
    return this.at(path, { follow: true }, async (place) => {
      const directory = await place.directory.openChild(place.name, false);
      try {
        return await work(directory, place.path);
      } finally {
        await directory.close();
      }
    });
  }

  /** Makes a directory that belongs to the sandbox's user, or opens the one that is there. */
  async enter(parent: PinnedDirectory, name: string, follow: boolean): Promise<Entered> {
    const created = await parent.makeChild(name);
    const directory = await parent.openChild(name, follow && !created);
    try {
      if (created) await this.own(directory);
      return { directory, created };
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  /** Gives something new to the sandbox's user. */
  async own(what: FileHandle | PinnedDirectory | { link: string }): Promise<void> {
    const user = this.#owner.switchTo;
    if (!user) return;
    if (what instanceof PinnedDirectory) {
      // One that holds something is not new: it was put in the place of the new one, and may be root's.
      if (await what.isEmpty()) await chown(what.self, user.uid, user.gid);
    } else if ('link' in what) {
      await ownLink(what.link, user);
    } else {
      await what.chown(user.uid, user.gid);
    }
  }

  async #locate(path: string, options: PlaceOptions): Promise<Place> {
    let host = this.reach.toHost(path);
    for (let links = 0; links < MAX_LINKS; links++) {
      const directory = await this.#openParent(path, posix.dirname(host), options.makeParents ?? false);
      const name = posix.basename(host);
      const at = directory.child(name);
      try {
        if (!this.reach.contains(directory.realChild(name))) throw this.reach.outside(path);
        const target = options.follow ? await linkTarget(at) : undefined;
        if (target === undefined) return { directory, name, at, path };
        host = posix.resolve(directory.real, target);
      } catch (error) {
        await directory.close();
        throw error;
      }
      await directory.close();
    }
    throw invalid(`${path}: goes through more than ${MAX_LINKS} symbolic links`);
  }

  async #openParent(path: string, parent: string, make: boolean): Promise<PinnedDirectory> {
    try {
      return await PinnedDirectory.open(parent, true);
    } catch (error) {
      const { ancestor, missing } = await deepestAncestor(parent);
      try {
        // Whether something exists outside is not told.
        if (!this.reach.contains(posix.join(ancestor.real, ...missing))) throw this.reach.outside(path);
        if (!make || errnoOf(error) !== 'ENOENT') throw error;
      } catch (refusal) {
        await ancestor.close();
        throw refusal;
      }
      return this.#makeParents(ancestor, missing);
    }
  }

  async #makeParents(ancestor: PinnedDirectory, names: readonly string[]): Promise<PinnedDirectory> {
    let current = ancestor;
    for (const name of names) {
      const parent = current;
      try {
        current = (await this.enter(parent, name, false)).directory;
      } finally {
        await parent.close();
      }
    }
    return current;
  }
}

/** The target of a symbolic link; undefined if there is none at that path. */
async function linkTarget(at: string): Promise<string | undefined> {
  try {
    const status = await lstat(at);
    return status.isSymbolicLink() ? await readlink(at) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function deepestAncestor(path: string): Promise<{ ancestor: PinnedDirectory; missing: string[] }> {
  const missing: string[] = [];
  for (let at = path; ; at = posix.dirname(at)) {
    try {
      return { ancestor: await PinnedDirectory.open(at, true), missing };
    } catch (error) {
      if (at === '/') throw error;
      missing.unshift(posix.basename(at));
    }
  }
}

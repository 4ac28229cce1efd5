import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FolderLock, readLock } from './folder-lock';
import { endProcessesOf } from './leftovers';
import { isAlive } from './process-identity';
import type { SavedState } from './state-file';
import { StateFile } from './state-file';

const TEMPORARY = 'microvm-local-';
const DEFAULT_PLACE = { region: 'us-east-1', account: '000000000000' };
/** What parts of the cloud put into the folder. */
const PARTS = ['s3', 'lambda', 'microvms'];

export interface Place {
  readonly region: string;
  readonly account: string;
}

export interface FolderOptions extends Partial<Place> {
  /** The folder of kept state. Default: a temporary one. */
  readonly state?: string;
}

/** Where a local cloud has all its files: a temporary folder, or one that stays. */
export class CloudFolder {
  /**
   * Takes the folder of kept state, or makes a temporary one. Throws if another local cloud has it, or if what is in it is not the state
   * of one, of this account and Region if they are given.
   */
  static async open({ state, region, account }: FolderOptions): Promise<CloudFolder> {
    await removeDeadFolders();
    if (state === undefined) {
      const path = await mkdtemp(join(tmpdir(), TEMPORARY));
      const place = placeOf({ region, account }, undefined, path);
      return new CloudFolder(path, undefined, undefined, place, await FolderLock.take(path));
    }
    const path = resolve(state);
    await makeStateFolder(path);
    const lock = await FolderLock.take(path);
    try {
      await endProcessesOf(path);
      const file = new StateFile(path);
      const saved = await file.read();
      if (!saved) await Promise.all(PARTS.map((name) => rm(join(path, name), { recursive: true, force: true })));
      return new CloudFolder(path, file, saved, placeOf({ region, account }, saved, file.path), lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(
    readonly path: string,
    /** Only where state is kept. */
    readonly stateFile: StateFile | undefined,
    readonly saved: SavedState | undefined,
    readonly place: Place,
    private readonly lock: FolderLock,
  ) {}

  /** Removes a temporary folder; lets go of one that stays. */
  async close(): Promise<void> {
    if (!this.stateFile) await rm(this.path, { recursive: true, force: true });
    await this.lock.release();
  }
}

/** The account and Region are part of every ARN in the state. */
function placeOf(asked: Partial<Place>, saved: SavedState | undefined, file: string): Place {
  const { region, account } = saved ?? DEFAULT_PLACE;
  const place = { region: asked.region ?? region, account: asked.account ?? account };
  if (saved && (place.region !== region || place.account !== account)) {
    throw new Error(`state: ${file} is of account ${account} in ${region}; start with these, or give another folder`);
  }
  return place;
}

async function makeStateFolder(path: string): Promise<void> {
  if (path.trim() === '') throw new Error('state: give a folder');
  const known = await stat(path).catch(() => undefined);
  if (known && !known.isDirectory()) throw new Error(`state: ${path} is not a folder; give a folder that is empty or holds the state of a local cloud`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  const entries = await readdir(path);
  const foreign = entries.length > 0 && !entries.some((name) => name === 'state.json' || name.startsWith('lock.json'));
  if (foreign) throw new Error(`state: ${path} holds other files, such as "${entries[0]}"; give a folder that is empty or holds the state of a local cloud`);
  // One that was there before may be open to others, and it will hold keys.
  await chmod(path, 0o700);
}

/** Ends what dead local clouds of this user left running, and removes their temporary folders. In doubt a folder stays. */
async function removeDeadFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(tmpdir(), name);
    const entry = await lstat(path).catch(() => undefined);
    if (!entry?.isDirectory() || entry.uid !== process.getuid?.()) continue;
    const owner = await readLock(path).catch(() => undefined);
    if (!owner || isAlive(owner)) continue;
    await endProcessesOf(path);
    // Another start may be at it, too; whatever stays is for the next one.
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

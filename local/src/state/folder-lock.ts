import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity';
import { isAlive, ownIdentity } from './process-identity';

const LOCK = 'lock.json';

/** What a lock says about its folder. Undefined: there is no lock, or it is none of ours. */
export async function readLock(folder: string): Promise<ProcessIdentity | undefined> {
  return parseLock(await readText(join(folder, LOCK)));
}

/** Keeps a folder for one local cloud at a time. */
export class FolderLock {
  /** Throws if a local cloud that lives has the folder. A dead one's lock is taken over. */
  static async take(folder: string): Promise<FolderLock> {
    const file = join(folder, LOCK);
    const text = JSON.stringify({ ...ownIdentity(), lock: randomUUID() });
    const own = `${file}.${randomUUID()}`;
    await writeFile(own, text, { mode: 0o600, flag: 'wx' });
    try {
      while (!await linked(own, file)) await removeStale(folder, file);
      return new FolderLock(file, text);
    } finally {
      await rm(own, { force: true });
    }
  }

  private constructor(private readonly file: string, private readonly text: string) {}

  async release(): Promise<void> {
    if (await readText(this.file) === this.text) await rm(this.file, { force: true });
  }
}

/** A hard link is made with its whole content, or not at all if there is a lock. */
async function linked(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(folder: string, file: string): Promise<void> {
  const text = await readText(file);
  if (text === undefined) return;
  const owner = parseLock(text);
  if (!owner) throw new Error(`state: ${file} is not a lock of a local cloud; remove it if nothing else uses ${folder}`);
  if (isAlive(owner)) {
    throw new Error(`state: the local cloud with the process id ${owner.pid} uses ${folder}; stop it, or give another folder`);
  }
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(ignoreMissing);
  // Somebody else may have replaced the dead lock in between: theirs goes back.
  const taken = await readText(aside);
  if (taken !== undefined && taken !== text) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

function parseLock(text: string | undefined): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(text ?? '') as ProcessIdentity;
    return Number.isSafeInteger(pid) && pid > 0 && typeof startedAt === 'string' ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

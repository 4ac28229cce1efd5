/* eslint-disable no-bitwise -- file modes are bit fields */
import { createWriteStream } from 'node:fs';
import { mkdir, realpath, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { BuildError } from './build-error';
import { isWithin } from '../machine/guest-root';

/** The disk of a microVM of the smallest size. */
const MAX_BYTES = 8 * 1024 ** 3;
const MAX_ENTRIES = 200_000;
const MAX_LINK_BYTES = 4096;

const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;

/** Unpacks an artifact into an empty folder. Nothing is written outside of it, and no link leads out of it. */
export async function unpackArtifact(artifact: Buffer, folder: string): Promise<void> {
  try {
    await unpack(artifact, folder);
  } catch (error) {
    throw error instanceof BuildError ? error : archiveInvalid((error as Error).message, error);
  }
}

async function unpack(artifact: Buffer, folder: string): Promise<void> {
  const zip = await open(artifact);
  const links: { readonly name: string; readonly target: string }[] = [];
  let bytes = 0;
  let entries = 0;
  await eachEntry(zip, async (entry) => {
    bytes += entry.uncompressedSize;
    if (bytes > MAX_BYTES || ++entries > MAX_ENTRIES) throw new BuildError('DISK_STORAGE_FULL: The artifact is larger than the disk.');
    const mode = entry.externalFileAttributes >>> 16;
    const path = join(folder, entry.fileName);
    if (entry.fileName.endsWith('/')) {
      await mkdir(path, { recursive: true });
    } else if ((mode & FILE_TYPE) === SYMLINK) {
      if (entry.uncompressedSize > MAX_LINK_BYTES) throw archiveInvalid(`the link ${entry.fileName} is too long`);
      links.push({ name: entry.fileName, target: await text(await read(zip, entry)) });
    } else {
      await mkdir(dirname(path), { recursive: true });
      // An archive that was made without Unix modes has none.
      const permissions = (mode & 0o777) === 0 ? 0o644 : mode & 0o777 | 0o600;
      await pipeline(await read(zip, entry), createWriteStream(path, { flags: 'wx', mode: permissions }));
    }
  });
  // Links come last, so that no entry is written and no folder made through one.
  for (const { name } of links) await mkdir(dirname(join(folder, name)), { recursive: true });
  for (const link of links) await makeLink(folder, link);
  for (const { name } of links) await assertInside(folder, name);
}

/** A link that stays inside word by word may lead out through another one. */
async function assertInside(folder: string, name: string): Promise<void> {
  const end = await realpath(join(folder, name)).catch(() => undefined);
  if (end !== undefined && !isWithin(end, await realpath(folder))) throw archiveInvalid(`the link ${name} leads out of the archive`);
}

async function makeLink(folder: string, { name, target }: { name: string; target: string }): Promise<void> {
  const leads = normalize(join(dirname(name), target));
  if (isAbsolute(target) || leads === '..' || leads.startsWith('../')) throw archiveInvalid(`the link ${name} leads out of the archive`);
  const parent = dirname(join(folder, name));
  // Behind another link the same `..` would lead somewhere else.
  if (await realpath(parent) !== join(await realpath(folder), dirname(name))) throw archiveInvalid(`the link ${name} lies behind a link`);
  await symlink(target, join(folder, name));
}

function open(artifact: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(artifact, { lazyEntries: true }, (error, zip) => (zip ? resolve(zip) : reject(error)));
  });
}

function read(zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (stream ? resolve(stream) : reject(error)));
  });
}

function eachEntry(zip: ZipFile, visit: (entry: Entry) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => void visit(entry).then(() => zip.readEntry(), reject));
    zip.once('end', resolve);
    zip.once('error', reject);
    zip.readEntry();
  });
}

function archiveInvalid(why: string, cause?: unknown): BuildError {
  return new BuildError(`ARCHIVE_INVALID: The artifact is not a valid zip archive: ${why}`, cause);
}

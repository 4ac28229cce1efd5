/* eslint-disable no-bitwise -- file modes are bit fields */
import { spawn } from 'node:child_process';
import {
  chmodSync, closeSync, copyFileSync, createReadStream, createWriteStream, linkSync, lstatSync, mkdirSync, openSync,
  readSync, symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { StepError } from './build-error';
import { prepareFile } from './copy-files';
import type { DiskRoom } from './disk-room';
import { resolveInRoot } from './rooted-path';

/** The disk of a microVM of the smallest size. */
const MAX_BYTES = 8 * 1024 ** 3;
const MAX_ENTRIES = 200_000;

/** Compressions by their first bytes; those that Node does not know are left to the program of that name. */
const COMPRESSIONS: readonly { readonly magic: readonly number[]; readonly program?: string }[] = [
  { magic: [0x1f, 0x8b] },
  { magic: [0x42, 0x5a, 0x68], program: 'bzip2' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], program: 'xz' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], program: 'zstd' },
];
const TAR_MAGIC_AT = 257;
const HEAD_BYTES = 512;

interface Destination {
  /** Root of the image, and an absolute path in it. */
  readonly root: string;
  readonly target: string;
  readonly disk: DiskRoom;
}

/** ADD unpacks archives, which it knows by their content. False: the file is none. */
export async function unpackArchive(file: string, to: Destination): Promise<boolean> {
  const head = readHead(file);
  const compression = COMPRESSIONS.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
  if (!compression && !isTar(head)) return false;
  // A compressed file that holds no tar archive is copied as it is.
  if (compression && !isTar(await firstBlock(decompressed(file, compression.program)))) return false;
  try {
    await unpack(compression ? decompressed(file, compression.program) : createReadStream(file), to);
  } catch (error) {
    throw error instanceof StepError ? error : new StepError(`invalid tar archive: ${(error as Error).message}`);
  }
  return true;
}

async function unpack(tar: Readable, to: Destination): Promise<void> {
  const archive = extract();
  let bytes = 0;
  let entries = 0;
  const fed = pipeline(tar, archive);
  // Awaited below; until then a failure must not end the process.
  fed.catch(() => undefined);
  for await (const entry of archive) {
    bytes += entry.header.size ?? 0;
    if (bytes > MAX_BYTES || ++entries > MAX_ENTRIES) throw new StepError('DISK_STORAGE_FULL: the archive is larger than the disk');
    await writeEntry(entry.header, Readable.from(entry), to);
  }
  await fed;
}

async function writeEntry(header: Header, content: Readable, to: Destination): Promise<void> {
  const path = placeOf(header.name, to.target);
  const mode = header.mode ?? 0o644;
  if (header.type === 'directory') {
    const folder = resolveInRoot(to.root, path);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode & 0o7777 | 0o700);
  } else if (header.type === 'symlink') {
    symlinkSync(header.linkname ?? '', prepareFile(to.root, path));
  } else if (header.type === 'link') {
    linkFile(resolveInRoot(to.root, placeOf(header.linkname ?? '', to.target)), prepareFile(to.root, path), header.name);
  } else if (header.type === 'file' || header.type === 'contiguous-file') {
    to.disk.take(header.size ?? 0);
    const file = prepareFile(to.root, path);
    await pipeline(content, createWriteStream(file, { flags: 'wx' }));
    chmodSync(file, mode & 0o7777 | 0o600);
    return;
  }
  // Devices, pipes and the like need rights that a build here does not have.
  for await (const ignored of content) void ignored;
}

/** A name with `..` that leads out of the archive is an attack, not a mistake. */
function placeOf(name: string, target: string): string {
  let depth = 0;
  for (const part of name.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) throw new StepError(`invalid tar archive: ${name} leads out of it`);
  }
  return join(target, name);
}

function linkFile(from: string, to: string, name: string): void {
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new StepError(`invalid tar archive: ${name} links to nothing`);
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function decompressed(file: string, program: string | undefined): Readable {
  const raw = createReadStream(file);
  if (program === undefined) {
    const gunzip = createGunzip();
    raw.once('error', (error) => gunzip.destroy(error));
    // Who has seen enough ends the one; the other holds the file.
    gunzip.once('close', () => raw.destroy());
    return raw.pipe(gunzip);
  }
  raw.destroy();
  const child = spawn(program, ['-dc', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.once('error', () => child.stdout.destroy(new StepError(`${program} is needed to unpack ${file.split('/').at(-1)}, and is not on this machine`)));
  child.once('exit', (code) => {
    if (code) child.stdout.destroy(new StepError(`${program} cannot unpack ${file.split('/').at(-1)}`));
  });
  child.stdout.once('close', () => child.kill());
  return child.stdout;
}

async function firstBlock(stream: Readable): Promise<Buffer> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      head = Buffer.concat([head, chunk as Buffer]);
      if (head.length >= HEAD_BYTES) break;
    }
  } catch (error) {
    if (error instanceof StepError) throw error;
    return Buffer.alloc(0);
  }
  return head;
}

function readHead(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(descriptor, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}

function isTar(block: Buffer): boolean {
  return block.toString('latin1', TAR_MAGIC_AT, TAR_MAGIC_AT + 5) === 'ustar';
}

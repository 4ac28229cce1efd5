import { open, readlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header, Pack } from 'tar-stream';
import { pack as newPack } from 'tar-stream';
import type { Operation } from './operation';
import { READ_FILE } from './read-file';
import type { PinnedDirectory } from '../files/pinned-directory';
import type { WalkedEntry } from '../files/walk';
import { walk } from '../files/walk';
import { pathParameter } from '../http/exchange';

type NewEntry = Pick<Header, 'name'> & Partial<Header>;

export const downloadArchive: Operation = async (exchange, { files }) => {
  await files.within(pathParameter(exchange), async (directory) => {
    exchange.response.writeHead(200, { 'content-type': 'application/x-tar' });
    const pack = newPack();
    // A fault while packing cuts the answer off, which the caller notices by the missing end of the archive.
    const sent = pipeline(Readable.from(pack, { objectMode: false }), exchange.response);
    const [filled] = await Promise.allSettled([fill(pack, directory), sent]);
    if (filled.status === 'rejected') throw filled.reason;
  });
};

async function fill(pack: Pack, directory: PinnedDirectory): Promise<void> {
  try {
    for await (const entry of walk(directory, Infinity)) await add(pack, entry);
    pack.finalize();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

/** Sockets, pipes and devices are left out. */
async function add(pack: Pack, { directory, name, relative, status }: WalkedEntry): Promise<void> {
  const header = { name: relative, mode: status.mode % 0o10000, mtime: status.mtime };
  if (status.isDirectory()) await addEmpty(pack, { ...header, name: `${relative}/`, type: 'directory' });
  else if (status.isSymbolicLink()) await addLink(pack, header, directory.child(name));
  else if (status.isFile()) await addFile(pack, header, directory.child(name));
}

async function addLink(pack: Pack, header: NewEntry, at: string): Promise<void> {
  await addEmpty(pack, { ...header, type: 'symlink', linkname: await readlink(at) });
}

async function addEmpty(pack: Pack, header: NewEntry): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    pack.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

async function addFile(pack: Pack, header: NewEntry, at: string): Promise<void> {
  const handle = await open(at, READ_FILE);
  try {
    const { size } = await handle.stat();
    await new Promise<void>((resolve, reject) => {
      const entry = pack.entry({ ...header, size, type: 'file' }, (error) => (error ? reject(error) : resolve()));
      pipeline(Readable.from(exactly(handle, size)), entry).catch(reject);
    });
  } finally {
    await handle.close();
  }
}

/** As many bytes as the header promised: a file that shrank meanwhile ends in zeros, one that grew is cut. */
async function* exactly(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size;) {
    const buffer = Buffer.alloc(Math.min(256 * 1024, size - position));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    const piece = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    yield piece;
    position += piece.length;
  }
}

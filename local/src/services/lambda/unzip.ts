import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Entry, ZipFile } from 'yauzl';
import { fromBuffer } from 'yauzl';

/** What Lambda allows unpacked. */
const MAX_UNZIPPED_BYTES = 250 * 1024 * 1024;
const MAX_ENTRIES = 200_000;

/** Unpacks a function's code. Names that lead out of `folder` are refused by yauzl. */
export async function unzip(content: Buffer, folder: string): Promise<void> {
  const open = promisify<Buffer, object, ZipFile>(fromBuffer);
  const zip = await open(content, { lazyEntries: true });
  const openStream = promisify<Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip));
  if (zip.entryCount > MAX_ENTRIES) throw new Error(`The archive has ${zip.entryCount} files; at most ${MAX_ENTRIES} are allowed`);
  let size = 0;
  await mkdir(folder, { recursive: true });
  await new Promise<void>((resolve, reject) => {
    const unpack = async (entry: Entry): Promise<void> => {
      const path = join(folder, entry.fileName);
      size += entry.uncompressedSize;
      if (size > MAX_UNZIPPED_BYTES) throw new Error(`Unzipped size must be smaller than ${MAX_UNZIPPED_BYTES} bytes`);
      if (entry.fileName.endsWith('/')) {
        await mkdir(path, { recursive: true });
      } else {
        await mkdir(dirname(path), { recursive: true });
        await pipeline(await openStream(entry), createWriteStream(path, { mode: isRunnable(entry) ? 0o755 : 0o644 }));
      }
      zip.readEntry();
    };
    zip.on('entry', (entry: Entry) => void unpack(entry).catch(reject));
    zip.on('end', resolve);
    zip.on('error', reject);
    zip.readEntry();
  });
}

/** The owner's right to execute, out of the Unix mode in the upper half of the attributes. */
function isRunnable({ externalFileAttributes }: Entry): boolean {
  return Math.floor(externalFileAttributes / 2 ** 16 / 0o100) % 2 === 1;
}

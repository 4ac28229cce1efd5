import { constants, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DaemonError, invalid } from '../errors';
import type { Operation } from './operation';
import type { Exchange } from '../http/exchange';
import { integerParameter, pathParameter } from '../http/exchange';

/* eslint-disable-next-line no-bitwise -- flags of open(2); O_NONBLOCK: a pipe must not hold the daemon up */
export const READ_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export const readFile: Operation = async (exchange, { files }) => {
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const offset = integerParameter(exchange, 'offset', bounds) ?? 0;
  const length = integerParameter(exchange, 'length', bounds);
  await files.at(pathParameter(exchange), { follow: true }, async ({ at, path }) => {
    const handle = await open(at, READ_FILE);
    try {
      const size = await sizeOf(handle, path);
      await send(exchange, handle, offset, Math.max(0, Math.min(size - offset, length ?? size)));
    } finally {
      await handle.close();
    }
  });
};

async function sizeOf(handle: FileHandle, path: string): Promise<number> {
  const status = await handle.stat();
  if (status.isDirectory()) throw new DaemonError('is_a_directory', `${path}: is a directory; list it or fetch it as an archive`);
  if (!status.isFile()) throw invalid(`${path}: not a regular file`);
  return status.size;
}

async function send({ response }: Exchange, handle: FileHandle, offset: number, length: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': length });
  if (length === 0) {
    response.end();
    return;
  }
  // A file that shrinks meanwhile cuts the answer short of its content-length, which the caller notices.
  await pipeline(handle.createReadStream({ start: offset, end: offset + length - 1, autoClose: false }), response);
}

import { statfs } from 'node:fs/promises';
import { DaemonError } from '../errors';
import type { PinnedDirectory } from './pinned-directory';

/** Bytes between two looks at the free space. */
const CHECK_EVERY_BYTES = 4 * 1024 * 1024;

/** Keeps writes of the API from filling the disk: a full one breaks more than the write. */
export class DiskReserve {
  readonly #reserveBytes: number;

  constructor(reserveBytes: number) {
    this.#reserveBytes = reserveBytes;
  }

  /** Throws unless `bytes` more leave the reserve free. */
  async require(directory: PinnedDirectory, bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(directory.self);
    const free = bavail * bsize;
    if (free - bytes >= this.#reserveBytes) return;
    throw new DaemonError(
      'not_enough_space',
      `${bytes} bytes do not fit: ${free} are free and ${this.#reserveBytes} of them stay reserved; delete files`,
    );
  }

  /** The same bytes, cut off by an error once they would reach into the reserve. */
  async *guard(directory: PinnedDirectory, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let unchecked = 0;
    for await (const chunk of source) {
      unchecked += chunk.length;
      if (unchecked >= CHECK_EVERY_BYTES) {
        await this.require(directory, unchecked);
        unchecked = 0;
      }
      yield chunk;
    }
  }
}

import { posix } from 'node:path';
import type { EntryInfo } from '../../../client/src/protocol/daemon';
import { DaemonError, errnoOf } from '../errors';
import type { Operation } from './operation';
import { entryInfo } from '../files/entry-info';
import type { PinnedDirectory } from '../files/pinned-directory';
import { walk } from '../files/walk';
import { integerParameter, pathParameter, sendJson } from '../http/exchange';

const MAX_DEPTH = 16;

interface ListBounds {
  readonly depth: number;
  readonly limit: number;
}

export const listFiles: Operation = async (exchange, { files, limits }) => {
  const depth = integerParameter(exchange, 'depth', { min: 1, max: MAX_DEPTH }) ?? 1;
  const entries = await files.within(pathParameter(exchange), async (directory, path) => (
    collect(directory, path, { depth, limit: limits.listedEntries })
  ));
  sendJson(exchange.response, 200, { entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)) });
};

async function collect(directory: PinnedDirectory, path: string, bounds: ListBounds): Promise<EntryInfo[]> {
  const entries: EntryInfo[] = [];
  for await (const { directory: parent, name, relative } of walk(directory, bounds.depth)) {
    if (entries.length >= bounds.limit) {
      throw new DaemonError('too_large', `${path}: holds more than ${bounds.limit} entries; list a deeper directory or a smaller depth`);
    }
    try {
      entries.push(await entryInfo(parent.child(name), posix.join(path, relative)));
    } catch (error) {
      // Gone since it was walked over.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  return entries;
}

import { DaemonError, errnoOf } from '../errors';
import type { Operation } from './operation';
import type { FileSystem, Place } from '../files/file-system';
import { sendJson } from '../http/exchange';
import { readJson } from '../http/json-body';

export const makeDirectory: Operation = async (exchange, { files }) => {
  const path = (await readJson(exchange, ['path'])).text('path');
  const created = await files.at(path, { follow: true, makeParents: true }, async (place) => make(files, place));
  sendJson(exchange.response, 200, { created });
};

async function make(files: FileSystem, place: Place): Promise<boolean> {
  try {
    const { directory, created } = await files.enter(place.directory, place.name, false);
    await directory.close();
    return created;
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw error;
    throw new DaemonError('file_exists', `${place.path}: exists already and is not a directory`);
  }
}

import type { Operation } from './operation';
import { Unpacking } from '../files/unpacking';
import { pathParameter, sendJson } from '../http/exchange';

export const uploadArchive: Operation = async (exchange, { files }) => {
  const path = pathParameter(exchange);
  await files.at(path, { follow: true, makeParents: true }, async (place) => {
    const { directory } = await files.enter(place.directory, place.name, false);
    await directory.close();
  });
  const entries = await files.within(path, async (directory) => new Unpacking(files, directory).run(exchange.request));
  sendJson(exchange.response, 200, { entries });
};

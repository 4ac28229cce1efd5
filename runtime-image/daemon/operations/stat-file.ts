import type { Operation } from './operation';
import { entryInfo } from '../files/entry-info';
import { pathParameter, sendJson } from '../http/exchange';

export const statFile: Operation = async (exchange, { files }) => {
  const info = await files.at(pathParameter(exchange), { follow: true }, async ({ at, path }) => entryInfo(at, path));
  sendJson(exchange.response, 200, info);
};

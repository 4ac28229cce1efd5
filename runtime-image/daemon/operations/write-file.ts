import { invalid } from '../errors';
import type { Operation } from './operation';
import { entryInfo } from '../files/entry-info';
import { writeWhole } from '../files/write-whole';
import type { Exchange } from '../http/exchange';
import { bodyOf, pathParameter, sendJson } from '../http/exchange';

export const writeFile: Operation = async (exchange, { files }) => {
  const mode = modeParameter(exchange);
  const info = await files.at(pathParameter(exchange), { follow: true, makeParents: true }, async (place) => {
    await files.reserve.require(place.directory, Number(exchange.request.headers['content-length'] ?? 0));
    await writeWhole(files, place, bodyOf(exchange), { mode });
    return entryInfo(place.at, place.path);
  });
  sendJson(exchange.response, 200, info);
};

function modeParameter(exchange: Exchange): number | undefined {
  const text = exchange.query.get('mode');
  if (text === null) return undefined;
  if (!/^0?[0-7]{1,3}$/.test(text)) throw invalid(`mode: ${JSON.stringify(text.slice(0, 20))} is not octal permission bits, 0 to 777`);
  return parseInt(text, 8);
}

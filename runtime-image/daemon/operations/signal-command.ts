import type { Signal } from '../../../client/src/protocol/daemon';
import { SIGNALS } from '../../../client/src/protocol/daemon';
import { invalid } from '../errors';
import type { Operation } from './operation';
import { sendJson } from '../http/exchange';
import { readJson, shown } from '../http/json-body';

export const signalCommand: Operation = async (exchange, { commands }) => {
  const command = commands.get(exchange.id);
  const signal = parseSignal((await readJson(exchange, ['signal'])).get('signal'));
  await command.started;
  sendJson(exchange.response, 200, { signalled: command.signal(signal) });
};

function parseSignal(value: unknown): Signal {
  const signal = SIGNALS.find((candidate) => candidate === value);
  if (!signal) throw invalid(`signal: ${shown(value)} is not one of ${SIGNALS.join(', ')}`);
  return signal;
}

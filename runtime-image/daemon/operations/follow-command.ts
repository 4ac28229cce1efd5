import { streamEvents } from '../commands/stream-events';
import { invalid } from '../errors';
import type { Operation } from './operation';
import { integerParameter } from '../http/exchange';

export const followCommand: Operation = async (exchange, { commands, clock }) => {
  const command = commands.get(exchange.id);
  await command.started;
  const after = integerParameter(exchange, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0;
  const { lastSeq } = command.log;
  if (after > lastSeq) throw invalid(`after: ${after} is beyond the last event, ${lastSeq}; give the last seq that was seen`);
  await streamEvents(command, { response: exchange.response, after }, clock);
};

import type { Operation } from './operation';
import { bodyOf, flagParameter, sendNothing } from '../http/exchange';

export const writeStdin: Operation = async (exchange, { commands }) => {
  const command = commands.get(exchange.id);
  await command.started;
  await command.writeStdin(bodyOf(exchange), flagParameter(exchange, 'eof'));
  sendNothing(exchange.response);
};

import type { Operation } from './operation';
import { sendJson } from '../http/exchange';

export const listCommands: Operation = async ({ response }, { commands }) => {
  sendJson(response, 200, { commands: commands.commands.map((command) => command.info) });
};

import type { Operation } from './operation';
import { sendJson } from '../http/exchange';

export const getCommand: Operation = async ({ id, response }, { commands }) => {
  sendJson(response, 200, commands.get(id).info);
};

import type { Health } from '../../../client/src/protocol/daemon';
import { sendJson } from '../http/exchange';
import { DAEMON_VERSION } from '../version';
import type { Operation } from './operation';

export const health: Operation = async ({ response }, { session, commands }) => {
  const { sandboxId = '', generation = 0 } = session.payload ?? {};
  const answer: Health = { sandboxId, generation, version: DAEMON_VERSION, running: commands.running };
  sendJson(response, 200, answer);
};

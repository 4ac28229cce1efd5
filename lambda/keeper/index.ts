import { answerEvent } from './answer-event';
import type { KeeperSummary } from './keep';
import { stdoutLog } from '../pool/log';
import { sdkPool } from '../pool/sdk-pool';

const keeper = { ...sdkPool(process.env), log: stdoutLog };

export async function handler(event: unknown): Promise<KeeperSummary | Record<string, never>> {
  return answerEvent(keeper, event);
}

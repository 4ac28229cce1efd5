import { keep } from './keep';
import type { KeeperSummary } from './keep';
import { stdoutLog } from '../pool/log';
import { sdkPool } from '../pool/sdk-pool';

const keeper = { ...sdkPool(process.env), log: stdoutLog };

export async function handler(): Promise<KeeperSummary> {
  return keep(keeper);
}

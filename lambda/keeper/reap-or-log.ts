import type { Due } from './due';
import { reap } from './reap';
import type { Outcome, Reaper } from './reap';
import type { SandboxRecord } from '../pool/sandbox-record';

/** Reaps one sandbox of many: one that breaks it does not keep the others alive. */
export async function reapOrLog(reaper: Reaper, record: SandboxRecord, due: Due): Promise<Outcome> {
  try {
    return await reap(reaper, record, due);
  } catch (error) {
    reaper.log({ level: 'error', operation: 'reap', sandboxId: record.sandboxId, outcome: 'failed', error: String(error).slice(0, 500) });
    return 'failed';
  }
}

import { dueFor } from './due';
import type { Due } from './due';
import type { Keeper } from './keep';
import type { Pace } from './pace';
import { MAX_LEASE_MS } from '../../client/src/protocol/allocator';
import { runIntent } from '../pool/launch-intent';
import { terminateIfThere } from '../pool/microvms';
import type { SandboxRecord } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

/**
 * - `abandoned`, `expired`, `leftover`: ended, for this reason
 * - `unknown`: ended without knowing whether there was a microVM
 * - `spared`: changed by somebody else in the meantime
 * - `postponed`: the service had no time; the next pass tries again
 * - `failed`: something broke; the next pass tries again
 */
export type Outcome = Due | 'unknown' | 'spared' | 'postponed' | 'failed';

const REASONS: Record<Due, string> = {
  abandoned: 'its creation was never completed',
  expired: 'its lease ended',
  leftover: 'killed',
};

/** Ends one sandbox: mark, terminate, mark. Stopped anywhere in between, the next pass finds it `terminating` and goes on. */
export async function reap(keeper: Keeper, found: SandboxRecord, pace: Pace): Promise<Outcome> {
  const due = dueFor(found, keeper.clock.now());
  const record = due && await markTerminating(keeper, found, due);
  if (!due || !record) return 'spared';
  try {
    const microvmId = record.microvmId ?? await learnMicrovm(keeper, record, pace);
    if (microvmId !== undefined) {
      await pace.turn();
      await terminate(keeper, record, microvmId);
    }
    const reason = record.reason ?? REASONS[due];
    const neverUsed = record.microvmId === undefined;
    const ended = await keeper.table.end(record, { from: ['terminating'], reason, now: keeper.clock.now(), neverUsed });
    if (!ended) return 'spared';
    return microvmId === undefined ? 'unknown' : due;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    keeper.log({ level: 'warn', operation: 'reap', sandboxId: record.sandboxId, outcome: 'postponed', error: error.message });
    return 'postponed';
  }
}

/**
 * The keeper of a pool that was given another image may not end the microVMs of the one before, and their records would take up places
 * for ever. One that was written down was started before its lease ended, so this long after it the platform itself has ended it.
 */
async function terminate({ microvms, clock }: Keeper, record: SandboxRecord, microvmId: string): Promise<void> {
  try {
    await terminateIfThere(microvms, microvmId);
  } catch (error) {
    const refused = error instanceof ServiceError && error.kind === 'refused';
    const over = record.microvmId !== undefined && clock.now() >= record.hardExpiresAt + MAX_LEASE_MS;
    if (!refused || !over) throw error;
  }
}

/** From here on no allocator gives it out. An `extend` or a launch that was faster wins, and the sandbox stays. */
async function markTerminating(
  { table, clock }: Keeper, record: SandboxRecord, due: Due,
): Promise<SandboxRecord | undefined> {
  if (due === 'leftover') return record;
  return table.change(record, {
    from: [record.state],
    set: { state: 'terminating', reason: REASONS[due] },
    ...(due === 'expired' && { lease: { endedAt: clock.now() } }),
  });
}

/**
 * The microVM of a launch whose answer nobody wrote down. MicroVMs carry no tags and share their image's ARN, so there is only one
 * exact way to learn its id: send the same request with the same client token again. If the first one never arrived, this starts a
 * microVM for a moment, which is the price. Undefined if the service refuses for good.
 */
async function learnMicrovm(keeper: Keeper, record: SandboxRecord, pace: Pace): Promise<string | undefined> {
  try {
    await pace.turn();
    return (await runIntent(keeper.microvms, record)).microvmId;
  } catch (error) {
    if (!(error instanceof ServiceError) || !['refused', 'not_found', 'conflict', 'ended'].includes(error.kind)) throw error;
    keeper.log({ level: 'error', operation: 'reap', sandboxId: record.sandboxId, outcome: 'unknown', error: error.message });
    return undefined;
  }
}

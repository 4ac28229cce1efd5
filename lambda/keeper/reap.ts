import type { Due } from './due';
import type { Keeper } from './keep';
import { Pace } from './pace';
import { MAX_LEASE_MS } from '../../client/src/protocol/allocator';
import { runIntent } from '../pool/launch-intent';
import { terminateIfThere } from '../pool/microvms';
import { isOfOtherImage } from '../pool/pool-start';
import type { SandboxRecord } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

/**
 * - `abandoned`, `expired`, `leftover`, `drained`, `replaced`: ended, for this reason
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
  drained: 'its pool was deleted',
  replaced: 'its pool was given another image',
};

/** Below the platform's 10 terminations a second, which other parts of the account share. */
const TERMINATIONS_PER_SECOND = 8;

/** A keeper on one of its rounds. */
export interface Reaper extends Keeper {
  readonly pace: Pace;
}

export function newReaper(keeper: Keeper): Reaper {
  return { ...keeper, pace: new Pace(keeper.clock, TERMINATIONS_PER_SECOND) };
}

/** Ends one sandbox: mark, terminate, mark. Stopped anywhere in between, the next pass finds it `terminating` and goes on. */
export async function reap(reaper: Reaper, found: SandboxRecord, due: Due): Promise<Outcome> {
  const record = await markTerminating(reaper, found, due);
  if (!record) return 'spared';
  try {
    const microvmId = record.microvmId ?? await learnMicrovm(reaper, record);
    if (microvmId !== undefined) {
      await reaper.pace.turn();
      await terminate(reaper, record, microvmId);
    }
    const reason = record.reason ?? REASONS[due];
    const neverUsed = record.microvmId === undefined;
    const ended = await reaper.table.end(record, { from: ['terminating'], reason, now: reaper.clock.now(), microvmId, neverUsed });
    if (!ended) return 'spared';
    return microvmId === undefined ? 'unknown' : due;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    reaper.log({ level: 'warn', operation: 'reap', sandboxId: record.sandboxId, outcome: 'postponed', error: error.message });
    return 'postponed';
  }
}

/**
 * An update ends the microVMs of a former image while it may. What is left is of a deployment that failed between the pool's allocator
 * and the pool: that image's rights left with the rollback, and the record would take up a place for ever. A microVM that was written
 * down was started before its lease ended, so this long after it the platform itself has ended it.
 */
async function terminate(keeper: Keeper, record: SandboxRecord, microvmId: string): Promise<void> {
  const { microvms, clock, configuration } = keeper;
  try {
    await terminateIfThere(microvms, microvmId);
  } catch (error) {
    const refused = error instanceof ServiceError && error.kind === 'refused' && isOfOtherImage(record, configuration);
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
async function learnMicrovm(reaper: Reaper, record: SandboxRecord): Promise<string | undefined> {
  try {
    await reaper.pace.turn();
    return (await runIntent(reaper.microvms, record)).microvmId;
  } catch (error) {
    if (!(error instanceof ServiceError) || !['refused', 'not_found', 'conflict', 'ended'].includes(error.kind)) throw error;
    reaper.log({ level: 'error', operation: 'reap', sandboxId: record.sandboxId, outcome: 'unknown', error: error.message });
    return undefined;
  }
}

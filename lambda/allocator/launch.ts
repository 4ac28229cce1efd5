import type { Allocation } from './allocation';
import { AllocatorError, busy, fromServiceError, terminated } from './allocator-error';
import { isStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import type { Stopwatch } from './stopwatch';
import { runIntent } from '../pool/launch-intent';
import { isEnding, terminateIfThere } from '../pool/microvms';
import type { Microvm } from '../pool/microvms';
import { isLive } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

/**
 * Brings a `starting` sandbox to `running`. Safe to repeat and to race: the intent's client token gives all of them one microVM.
 * `fresh` says that no other call can have sent the intent before.
 */
export async function launch(
  allocation: Allocation, record: SandboxRecord, stopwatch: Stopwatch, fresh: boolean,
): Promise<StartedSandbox> {
  const microvm = await stopwatch.measure('run', () => run(allocation, record, fresh));
  return stopwatch.measure('record', () => writeDown(allocation, record, microvm));
}

async function run(allocation: Allocation, record: SandboxRecord, fresh: boolean): Promise<Microvm> {
  const { microvms, table, clock } = allocation;
  try {
    return await runIntent(microvms, record);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // Only a refusal of the very first attempt proves that there is no microVM. After anything else the record stays `starting`:
    // the caller's retry replays the intent, and the keeper does if nobody comes back.
    if (fresh && error.certain) {
      await table.end(record, { from: ['starting', 'terminating'], reason: `not launched: ${error.message}`, now: clock.now(), neverUsed: true });
    }
    throw fromServiceError(error);
  }
}

async function writeDown(allocation: Allocation, record: SandboxRecord, microvm: Microvm): Promise<StartedSandbox> {
  const { table, clock } = allocation;
  const { microvmId, endpoint } = microvm;
  if (isEnding(microvm)) throw await giveUp(allocation, record, microvm);
  const running = await table.change(record, { from: ['starting'], set: { state: 'running', microvmId, endpoint } })
    // Refused also when another call, or an attempt of this one whose answer was lost, wrote the same.
    ?? await table.get(record.sandboxId);
  if (running && isStarted(running) && running.microvmId === microvmId && isLive(running, clock.now())) return running;
  if (running && running.generation !== record.generation) throw busy(`Sandbox ${record.sandboxId} moved on; ask again.`);
  throw await abandon(allocation, running ?? record, microvm);
}

/** The microVM died while it started, for instance because the image's /run hook failed. */
async function giveUp({ table, clock }: Allocation, record: SandboxRecord, microvm: Microvm): Promise<AllocatorError> {
  const reason = microvm.stateReason ?? 'its microVM ended while it started';
  await table.end(record, { from: ['starting', 'terminating'], reason, now: clock.now(), neverUsed: true });
  return new AllocatorError('sandbox_terminated', `Sandbox ${record.sandboxId} did not start: ${reason}`, {});
}

/** The sandbox was killed, or reaped, while its microVM started. */
async function abandon(
  { table, clock, microvms }: Allocation, record: SandboxRecord, microvm: Microvm,
): Promise<AllocatorError> {
  await terminateIfThere(microvms, microvm.microvmId);
  const reason = record.reason ?? 'its lease ended';
  await table.end(record, { from: ['terminating'], reason, now: clock.now(), neverUsed: false });
  return terminated({ ...record, reason });
}

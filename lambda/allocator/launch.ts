import type { Allocation } from './allocation';
import { AllocatorError, busy, fromServiceError, terminated } from './allocator-error';
import { isStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import type { Stopwatch } from './stopwatch';
import { newLaunchIntent, requestOf, runIntent } from '../pool/launch-intent';
import { isEnding, terminateIfThere } from '../pool/microvms';
import type { Microvm } from '../pool/microvms';
import { isLive } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

export interface Launched {
  readonly record: StartedSandbox;
  /** False if another call had written the same down already. */
  readonly first: boolean;
}

interface Run {
  readonly record: SandboxRecord;
  readonly microvm: Microvm;
}

/** Brings a sandbox that this call has just written down to `running`. */
export async function launch(allocation: Allocation, record: SandboxRecord, stopwatch: Stopwatch): Promise<Launched> {
  const run = await stopwatch.measure('run', () => runFresh(allocation, record));
  return stopwatch.measure('record', () => writeDown(allocation, run));
}

/**
 * Brings a sandbox that another call wrote down to `running`. Safe to repeat and to race: the intent's client token gives all of them
 * one microVM. Undefined if the sandbox has changed since it was read.
 */
export async function joinLaunch(
  allocation: Allocation, found: SandboxRecord, stopwatch: Stopwatch,
): Promise<Launched | undefined> {
  const record = found.shared ? found : await allocation.table.change(found, {
    from: ['starting'], set: { shared: true }, clientToken: found.launch?.clientToken,
  });
  if (!record) return undefined;
  const microvm = await stopwatch.measure('run', () => runIntent(allocation.microvms, record).catch(throwAnswer));
  return stopwatch.measure('record', () => writeDown(allocation, { record, microvm }));
}

function throwAnswer(error: unknown): never {
  throw error instanceof ServiceError ? fromServiceError(error) : error;
}

async function runFresh(allocation: Allocation, record: SandboxRecord): Promise<Run> {
  try {
    return { record, microvm: await runIntent(allocation.microvms, record) };
  } catch (error) {
    const other = isRetired(error) ? await supersede(allocation, record) : undefined;
    if (other === undefined) return refused(allocation, record, error);
    return {
      record: other,
      microvm: await runIntent(allocation.microvms, other).catch((again) => refused(allocation, other, again)),
    };
  }
}

/** Only a refusal of the very first attempt proves that there is no microVM, and a version that was retired is refused with a 404. */
function isRetired(error: unknown): boolean {
  return error instanceof ServiceError && error.kind === 'not_found' && error.certain;
}

/**
 * Writes down a new intent, with a client token of its own, for the version that the image names now. Nothing came of the one before:
 * the service refused it, and no other call has sent it. Undefined if there is no other version, or another call or a kill was faster.
 */
async function supersede(allocation: Allocation, record: SandboxRecord): Promise<SandboxRecord | undefined> {
  const { table, versions, configuration, ids } = allocation;
  if (record.launch === undefined) return undefined;
  const imageVersion = await versions.insteadOf(requestOf(record.launch).imageVersion);
  if (imageVersion === undefined) return undefined;
  const random = { clientToken: ids.clientToken(), secret: ids.daemonSecret() };
  return table.change(record, {
    from: ['starting'],
    set: { launch: newLaunchIntent(configuration, { ...record, imageVersion }, random) },
    clientToken: record.launch.clientToken,
    unshared: true,
  });
}

/**
 * After anything but a certain refusal the record stays `starting`: the caller's retry replays the intent, and the keeper does if nobody
 * comes back. So it does where another call may have sent the intent, too.
 */
async function refused({ table, clock }: Allocation, record: SandboxRecord, error: unknown): Promise<never> {
  if (error instanceof ServiceError && error.certain) {
    await table.end(record, {
      from: ['starting', 'terminating'], reason: `not launched: ${error.message}`, now: clock.now(), neverUsed: true, unshared: true,
    });
  }
  return throwAnswer(error);
}

async function writeDown(allocation: Allocation, { record, microvm }: Run): Promise<Launched> {
  const { table, clock } = allocation;
  const { microvmId, endpoint } = microvm;
  if (isEnding(microvm)) throw await giveUp(allocation, record, microvm);
  const written = await table.change(record, { from: ['starting'], set: { state: 'running', microvmId, endpoint } });
  // Refused also when another call, or an attempt of this one whose answer was lost, wrote the same.
  const running = written ?? await table.get(record.sandboxId);
  if (running && isStarted(running) && running.microvmId === microvmId && isLive(running, clock.now())) {
    return { record: running, first: written !== undefined };
  }
  if (running && running.generation !== record.generation) throw busy(`Sandbox ${record.sandboxId} moved on; ask again.`);
  throw await abandon(allocation, running ?? record, microvm);
}

/** The microVM died while it started, for instance because the image's /run hook failed. */
async function giveUp({ table, clock }: Allocation, record: SandboxRecord, microvm: Microvm): Promise<AllocatorError> {
  const reason = microvm.stateReason ?? 'its microVM ended while it started';
  await table.end(record, {
    from: ['starting', 'terminating'], reason, now: clock.now(), microvmId: microvm.microvmId, neverUsed: true,
  });
  return new AllocatorError('sandbox_terminated', `Sandbox ${record.sandboxId} did not start: ${reason}`, {});
}

/** The sandbox was killed, or reaped, while its microVM started. */
async function abandon(
  { table, clock, microvms }: Allocation, record: SandboxRecord, microvm: Microvm,
): Promise<AllocatorError> {
  const { microvmId } = microvm;
  await terminateIfThere(microvms, microvmId);
  const reason = record.reason ?? 'its lease ended';
  await table.end(record, { from: ['terminating'], reason, now: clock.now(), microvmId, neverUsed: false });
  return terminated({ ...record, reason });
}

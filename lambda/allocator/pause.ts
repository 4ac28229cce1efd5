import type { Allocation } from './allocation';
import { AllocatorError, busy, terminated } from './allocator-error';
import { confirmThere } from './confirm-ended';
import { findStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import type { AllocatorResults, PauseRequest } from '../../client/src/protocol/allocator';
import { requestOf } from '../pool/launch-intent';
import { STARTED_STATES, toSandboxInfo } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

/** Suspends a sandbox's microVM. Its lease goes on. */
export async function pause(allocation: Allocation, { sandboxId }: PauseRequest): Promise<AllocatorResults['pause']> {
  const record = await findStarted(allocation, sandboxId);
  refuseIfPauseEnds(record);
  await suspendMicrovm(allocation, record);
  const paused = await allocation.table.change(record, { from: STARTED_STATES, set: { state: 'paused' } });
  if (!paused) throw terminated({ ...record, reason: 'killed while it was paused' });
  return { sandbox: toSandboxInfo(paused) };
}

/** A microVM that may be suspended for zero seconds is terminated instead of suspended. */
function refuseIfPauseEnds({ sandboxId, launch }: StartedSandbox): void {
  const { idlePolicy } = requestOf(launch);
  if (idlePolicy?.suspendedDurationSeconds !== 0) return;
  throw new AllocatorError('unsupported', `Sandbox ${sandboxId} cannot be paused: its pool terminates idle sandboxes, and the platform `
    + 'would terminate it instead. Let the pool suspend idle sandboxes.');
}

async function suspendMicrovm(allocation: Allocation, record: StartedSandbox): Promise<void> {
  try {
    await allocation.microvms.suspend(record.microvmId);
  } catch (error) {
    if (!(error instanceof ServiceError) || !['conflict', 'ended', 'not_found'].includes(error.kind)) throw error;
    const microvm = await confirmThere(allocation, record);
    if (microvm?.state === 'SUSPENDED' || microvm?.state === 'SUSPENDING') return;
    throw busy(`Sandbox ${record.sandboxId} cannot be suspended at this moment; pause it again.`);
  }
}

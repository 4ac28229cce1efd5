import type { Allocation } from './allocation';
import { waitFor } from './allocation';
import { busy, terminated } from './allocator-error';
import { confirmThere } from './confirm-ended';
import { isStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import { STARTED_STATES } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

const RETRY_MS = 500;

export interface Woken {
  readonly record: StartedSandbox;
  readonly resumed: boolean;
}

/** Makes sure that the microVM is there and runs, and that the table says so. */
export async function wake(allocation: Allocation, record: StartedSandbox): Promise<Woken> {
  const microvm = await confirmThere(allocation, record);
  // The service's picture is late by moments: what was paused on request is resumed even if it still seems to run.
  const resumed = record.state === 'paused' || microvm?.state === 'SUSPENDED' || microvm?.state === 'SUSPENDING';
  if (!resumed) return { record, resumed };
  await resumeMicrovm(allocation, record);
  const running = await allocation.table.change(record, { from: STARTED_STATES, set: { state: 'running' } });
  if (!running || !isStarted(running)) throw terminated({ ...record, reason: 'killed while it resumed' });
  return { record: running, resumed };
}

async function resumeMicrovm(allocation: Allocation, record: StartedSandbox): Promise<void> {
  do {
    try {
      return await allocation.microvms.resume(record.microvmId);
    } catch (error) {
      if (!(error instanceof ServiceError) || !['conflict', 'ended', 'not_found'].includes(error.kind)) throw error;
      // A conflict is a microVM that runs already, or one that is still being suspended.
      const microvm = await confirmThere(allocation, record);
      if (microvm?.state === 'RUNNING') return;
    }
  } while (await waitFor(allocation, RETRY_MS));
  throw busy(`Sandbox ${record.sandboxId} is still being suspended; resume it again.`);
}

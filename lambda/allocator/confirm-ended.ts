import type { Allocation } from './allocation';
import { terminated } from './allocator-error';
import type { StartedSandbox } from './find-sandbox';
import { isEnding, terminateIfThere } from '../pool/microvms';
import type { MicrovmStatus } from '../pool/microvms';
import { COUNTED_STATES } from '../pool/sandbox-record';
import { ServiceError } from '../pool/service-error';

/** For so long after a launch the service may not find a microVM that it has just started. */
const VISIBLE_AFTER_MS = 60_000;

/**
 * The microVM behind a sandbox, or undefined while the service does not show a fresh one yet. Ends the sandbox and throws
 * `sandbox_terminated` if the service says that it is gone.
 */
export async function confirmThere(
  allocation: Allocation, record: StartedSandbox, neverUsed = false,
): Promise<MicrovmStatus | undefined> {
  const { microvms, clock } = allocation;
  try {
    const microvm = await microvms.get(record.microvmId);
    if (!isEnding(microvm)) return microvm;
    throw await endSandbox(allocation, record, microvm.stateReason ?? 'its microVM was terminated', neverUsed);
  } catch (error) {
    if (!(error instanceof ServiceError && error.kind === 'not_found')) throw error;
    if (clock.now() - record.createdAt < VISIBLE_AFTER_MS) return undefined;
    await terminateIfThere(microvms, record.microvmId);
    throw await endSandbox(allocation, record, 'the service does not know its microVM any more', neverUsed);
  }
}

async function endSandbox({ table, clock }: Allocation, record: StartedSandbox, reason: string, neverUsed: boolean) {
  await table.end(record, { from: COUNTED_STATES, reason, now: clock.now(), neverUsed });
  return terminated({ ...record, reason });
}

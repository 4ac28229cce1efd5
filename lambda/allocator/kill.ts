import type { Allocation } from './allocation';
import type { AllocatorResults, KillRequest } from '../../client/src/protocol/allocator';
import { terminateIfThere } from '../pool/microvms';
import { LIVE_STATES } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';

/** Ends a sandbox. Killing it again, or one that never was, does nothing. */
export async function kill(allocation: Allocation, { sandboxId }: KillRequest): Promise<AllocatorResults['kill']> {
  const { table, microvms, clock } = allocation;
  const record = await markTerminating(allocation, sandboxId);
  if (record?.state !== 'terminating') return { killed: false };
  // A microVM that is being launched is not known here: its launch finds the mark and ends it, or the keeper does.
  if (record.microvmId === undefined) return { killed: true };
  await terminateIfThere(microvms, record.microvmId);
  const reason = record.reason ?? 'killed';
  const killed = await table.end(record, { from: ['terminating'], reason, now: clock.now(), neverUsed: false });
  return { killed };
}

/** The record after its state was set, or as it is where there was nothing to set. */
async function markTerminating({ table }: Allocation, sandboxId: string): Promise<SandboxRecord | undefined> {
  const record = await table.get(sandboxId);
  if (!record || !LIVE_STATES.includes(record.state)) return record;
  return await table.change(record, { from: LIVE_STATES, set: { state: 'terminating', reason: 'killed' } }) ?? table.get(sandboxId);
}

import type { Allocation } from './allocation';
import { busy, terminated } from './allocator-error';
import { findLive } from './find-sandbox';
import type { AllocatorResults, ExtendRequest } from '../../client/src/protocol/allocator';
import { LIVE_STATES, toSandboxInfo } from '../pool/sandbox-record';

/** Moves the end of a lease, not beyond the end of the microVM. */
export async function extend(allocation: Allocation, { sandboxId, timeoutMs }: ExtendRequest): Promise<AllocatorResults['extend']> {
  const { table, clock } = allocation;
  const record = await findLive(allocation, sandboxId);
  const now = clock.now();
  const expiresAt = Math.min(now + timeoutMs, record.hardExpiresAt);
  // The keeper ends a lease under the opposite condition: one of the two is first, and the other sees it.
  const extended = await table.change(record, { from: LIVE_STATES, set: { expiresAt }, lease: { goodAt: now } });
  if (extended) return { sandbox: toSandboxInfo(extended) };
  const current = await findLive(allocation, sandboxId);
  throw current.generation === record.generation ? terminated(current) : busy(`Sandbox ${sandboxId} moved on; extend it again.`);
}

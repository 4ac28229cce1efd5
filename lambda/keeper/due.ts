import { ALLOCATOR_TIMEOUT_SECONDS } from '../../src/contract/pool';
import { STARTED_STATES } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';

/** An allocator that began before this is not running any more. */
const ABANDONED_AFTER_MS = (ALLOCATOR_TIMEOUT_SECONDS + 30) * 1000;

/**
 * - `abandoned`: the creation was never completed
 * - `expired`: the lease ended
 * - `leftover`: was being ended when its caller stopped
 * - `drained`: the pool is being deleted
 * - `replaced`: the pool was given another image
 */
export type Due = 'abandoned' | 'expired' | 'leftover' | 'drained' | 'replaced';

/** Why a sandbox has to go now, or undefined if it may stay. */
export function dueFor(record: SandboxRecord, now: number): Due | undefined {
  const abandoned = now - record.createdAt > ABANDONED_AFTER_MS;
  if (record.state === 'starting') return abandoned ? 'abandoned' : undefined;
  if (STARTED_STATES.includes(record.state)) return record.expiresAt <= now ? 'expired' : undefined;
  // Killed while it started: its allocator ends it, if it still runs.
  if (record.state === 'terminating') return record.microvmId !== undefined || abandoned ? 'leftover' : undefined;
  return undefined;
}

/** Why it has to go where it has to in any case. A launch that may still be at work is given the same time as ever. */
export function dueAtOnce(record: SandboxRecord, now: number, why: 'drained' | 'replaced'): Due | undefined {
  return STARTED_STATES.includes(record.state) ? why : dueFor(record, now);
}

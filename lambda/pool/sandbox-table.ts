import type { SandboxRecord } from './sandbox-record';
import type { SandboxState } from '../../client/src/protocol/allocator';

/** How long the table remembers a sandbox that ended, and an idempotency key. */
export const REMEMBER_MS = 24 * 60 * 60 * 1000;

/** Where an idempotency key points. */
export interface IdempotencyEntry {
  readonly sandboxId: string;
  /** Of the request that came with it. */
  readonly requestFingerprint: string;
}

export interface Claim {
  readonly now: number;
  /** At most so many sandboxes that have not ended. */
  readonly maxSandboxes: number;
  readonly requestFingerprint: string;
  /** Fingerprint of what the pool starts microVMs with, as the caller knows it. */
  readonly startFingerprint: string;
  /** The sandbox that the key may still point at because it ended. */
  readonly replaces?: string;
}

/**
 * - `inserted`: this record is the one
 * - `lost`: another call took the key or the idempotency key first
 * - `exhausted`: the pool is at its limit
 * - `closed`: the pool is being deleted
 * - `barred`: the pool was given another image, role or network than the caller knows
 */
export type ClaimOutcome = 'inserted' | 'lost' | 'exhausted' | 'closed' | 'barred';

export interface Change {
  readonly from: readonly SandboxState[];
  readonly set: Partial<Pick<SandboxRecord, 'state' | 'reason' | 'microvmId' | 'endpoint' | 'expiresAt' | 'launch' | 'shared'>>;
  /** Only if the lease is still good, or has ended, at this time. */
  readonly lease?: { readonly goodAt: number } | { readonly endedAt: number };
  /** Only if the intent still has this client token. */
  readonly clientToken?: string;
  /** Only if no other call may have sent the intent. */
  readonly unshared?: boolean;
}

export interface Ending {
  readonly from: readonly SandboxState[];
  readonly reason: string;
  readonly now: number;
  /** Where the record does not have it. */
  readonly microvmId?: string;
  /** True if no caller ever got this sandbox: then a retry with its idempotency key may have another one. */
  readonly neverUsed: boolean;
  /** Only if no other call may have sent the intent. */
  readonly unshared?: boolean;
}

/** The pool's table. Reads are strongly consistent; every write is conditional on the record's state and generation. */
export interface SandboxTable {
  get(sandboxId: string): Promise<SandboxRecord | undefined>;
  findKey(key: string): Promise<{ readonly sandboxId: string } | undefined>;
  /** Not found once it is older than a day, even where the table still holds it. */
  findIdempotencyKey(key: string, now: number): Promise<IdempotencyEntry | undefined>;
  /** Writes the record, its keys and the pool's count, or nothing. */
  insert(record: SandboxRecord, claim: Claim): Promise<ClaimOutcome>;
  /** The record as it is now, or undefined if the condition did not hold. */
  change(record: SandboxRecord, change: Change): Promise<SandboxRecord | undefined>;
  /** Marks it terminated, frees its keys and its place in the count, or does nothing and answers false. */
  end(record: SandboxRecord, ending: Ending): Promise<boolean>;
  /** From now on nothing is inserted, also by an allocator that is at work. */
  close(): Promise<void>;
  /** Until then nothing is inserted that would be started with this, also by an allocator that is at work. Only the latest call counts. */
  bar(startFingerprint: string, until: number): Promise<void>;
  /** Records in the order of their ids, which is the order of creation. */
  page(
    after: string | undefined, limit: number,
  ): Promise<{ readonly records: SandboxRecord[]; readonly next?: string }>;
}

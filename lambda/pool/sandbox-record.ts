import type { SandboxInfo, SandboxState } from '../../client/src/protocol/allocator';

/** What a microVM is started with, written down before it is asked for. Dropped when the sandbox ends: it holds a secret. */
export interface LaunchIntent {
  /** Never used for a second request. */
  readonly clientToken: string;
  /** The RunMicrovm request as JSON, to be replayed to the letter also after the pool's configuration changed. */
  readonly request: string;
  /** Hex SHA-256 of `request`. */
  readonly fingerprint: string;
  /** What the daemon asks of every request. */
  readonly secret: string;
}

/** A sandbox as the table holds it. Times are epoch milliseconds. */
export interface SandboxRecord extends SandboxInfo {
  readonly idempotencyKey?: string;
  readonly launch?: LaunchIntent;
  /** Set before another call than the one that made the record sends its intent: from then on a refusal of one call proves nothing. */
  readonly shared?: true;
  /** Absent until RunMicrovm answered. */
  readonly microvmId?: string;
  readonly endpoint?: string;
  /** Absent until the sandbox was ended; the service may take a moment longer to end its microVM. */
  readonly endedAt?: number;
  /** Of the image that this sandbox runs; the pool's may be another one by now. */
  readonly daemonPort: number | null;
  readonly hookPort: number | null;
}

/** States with a lease. */
export const LIVE_STATES: readonly SandboxState[] = ['starting', 'running', 'paused'];

/** States whose microVM answers. */
export const STARTED_STATES: readonly SandboxState[] = ['running', 'paused'];

/** Every state that still counts against the pool's limit. */
export const COUNTED_STATES: readonly SandboxState[] = [...LIVE_STATES, 'terminating'];

/** A lease that ended is an end, also in the minute before the keeper sees it. */
export function isLive(record: SandboxRecord, now: number): boolean {
  return LIVE_STATES.includes(record.state) && record.expiresAt > now;
}

/** The part of a record that callers may see. */
export function toSandboxInfo(record: SandboxRecord): SandboxInfo {
  const { sandboxId, state, generation, metadata, key, createdAt, expiresAt, hardExpiresAt, reason } = record;
  return {
    sandboxId,
    state,
    generation,
    metadata,
    ...(key !== undefined && { key }),
    createdAt,
    expiresAt,
    hardExpiresAt,
    ...(reason !== undefined && { reason }),
  };
}

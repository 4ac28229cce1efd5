import type { SandboxInfo as WireSandboxInfo, SandboxState } from './protocol';

/** A sandbox as the pool knows it. */
export interface SandboxInfo {
  readonly sandboxId: string;
  readonly state: SandboxState;
  readonly metadata: Readonly<Record<string, string>>;
  /** The name that `getOrCreate` gave it. */
  readonly key?: string;
  readonly createdAt: Date;
  /** When the lease ends and the sandbox is killed. */
  readonly expiresAt: Date;
  /** When the platform ends the microVM, whatever the lease says. */
  readonly hardExpiresAt: Date;
  /** Why it ended, for `terminating` and `terminated`. */
  readonly reason?: string;
}

export function sandboxInfo({ sandboxId, state, metadata, key, reason, ...times }: WireSandboxInfo): SandboxInfo {
  return {
    sandboxId,
    state,
    metadata,
    ...(key !== undefined && { key }),
    createdAt: new Date(times.createdAt),
    expiresAt: new Date(times.expiresAt),
    hardExpiresAt: new Date(times.hardExpiresAt),
    ...(reason !== undefined && { reason }),
  };
}

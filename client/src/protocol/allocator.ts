import type { ErrorBody } from './errors';

/** Sent with every request; an allocator refuses a version that it does not speak. */
export const ALLOCATOR_PROTOCOL_VERSION = 1;

/** Environment variable of a program that uses a pool: the ARN of its allocator. The constructs' contract names the same one. */
export const POOL_VARIABLE = 'SANDBOX_POOL';

/** Longest lease: the platform ends every microVM after 8 hours. */
export const MAX_LEASE_MS = 8 * 60 * 60 * 1000;

/** Shortest lease: the keeper looks once a minute. */
export const MIN_LEASE_MS = 60 * 1000;

/**
 * - `starting`: written down, the microVM was asked for
 * - `running`: has a microVM; the platform may have suspended it for idleness, and the next request wakes it
 * - `paused`: suspended on request
 * - `terminating`: the microVM is asked to go
 * - `terminated`: the microVM is gone; the record is kept for a day so that late callers learn what happened
 */
export type SandboxState = 'starting' | 'running' | 'paused' | 'terminating' | 'terminated';

/** A sandbox as the pool's table knows it. Times are epoch milliseconds. */
export interface SandboxInfo {
  /** `sbx-` and 26 characters. */
  readonly sandboxId: string;
  readonly state: SandboxState;
  /** Counts the microVMs behind this sandbox, from 1. */
  readonly generation: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** The caller's own name for it, where `create` was given one. */
  readonly key?: string;
  readonly createdAt: number;
  /** When the lease ends and the keeper terminates the microVM. */
  readonly expiresAt: number;
  /** When the platform ends the microVM, whatever the lease says. */
  readonly hardExpiresAt: number;
  /** Why it ended, for `terminating` and `terminated`. */
  readonly reason?: string;
}

/** What a client needs to talk to the microVM directly. Holds secrets: never log it. */
export interface Connection {
  /** Bare host name of the microVM's endpoint; leads nowhere where `ports` is empty. */
  readonly endpoint: string;
  /** Platform token for `ports`. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly tokenExpiresAt: number;
  /** Ports the token opens. None for a sandbox without an endpoint: it has no token either. */
  readonly ports: readonly number[];
  /** Where the daemon listens and its secret; absent for an image without our runtime. */
  readonly daemon?: { readonly port: number; readonly secret: string };
}

/**
 * How the sandbox came about. `existing`: found by its key or idempotency key, or connected to, and already running.
 * `timings` are milliseconds by step.
 */
export interface Launch {
  readonly kind: 'ready' | 'resumed' | 'cold' | 'existing';
  readonly timings: Readonly<Record<string, number>>;
}

export interface ConnectedSandbox {
  readonly sandbox: SandboxInfo;
  readonly connection: Connection;
  readonly launch: Launch;
}

export interface CreateRequest {
  readonly operation: 'create';
  /** Lease in milliseconds, 60 000 to 28 800 000. Default: the pool's. */
  readonly timeoutMs?: number;
  /** At most 20 pairs, key 1–128 and value 0–1024 characters. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller's own name: while a sandbox with this key lives, it is answered instead of a new one. 1–256 characters. */
  readonly key?: string;
  /** Makes a retry of this call safe for 24 hours: the same key with the same request gives the same sandbox. 1–256 characters. */
  readonly idempotencyKey?: string;
}

export interface ConnectRequest {
  readonly operation: 'connect';
  readonly sandboxId: string;
}

export interface ListRequest {
  readonly operation: 'list';
  /** Only sandboxes that carry all of these pairs. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default: all but `terminated`. */
  readonly states?: readonly SandboxState[];
  /** Sandboxes a page, 1–100. Default 50. A page may hold fewer and still have a `cursor`. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface ExtendRequest {
  readonly operation: 'extend';
  readonly sandboxId: string;
  /** The lease becomes now plus this, cut to `hardExpiresAt`; it may also shorten. Milliseconds, 60 000 to 28 800 000. */
  readonly timeoutMs: number;
}

export interface PauseRequest {
  readonly operation: 'pause';
  readonly sandboxId: string;
}

export interface ResumeRequest {
  readonly operation: 'resume';
  readonly sandboxId: string;
}

export interface KillRequest {
  readonly operation: 'kill';
  readonly sandboxId: string;
}

export interface TokenRequest {
  readonly operation: 'token';
  readonly sandboxId: string;
  /** 1–10 ports, 1–65535; the hook port is refused. */
  readonly ports: readonly number[];
}

export type AllocatorRequest =
  | CreateRequest
  | ConnectRequest
  | ListRequest
  | ExtendRequest
  | PauseRequest
  | ResumeRequest
  | KillRequest
  | TokenRequest;

export type AllocatorOperation = AllocatorRequest['operation'];

/** The result of each operation. */
export interface AllocatorResults {
  create: ConnectedSandbox;
  /** Resumes a paused sandbox. */
  connect: ConnectedSandbox;
  list: { readonly sandboxes: readonly SandboxInfo[]; readonly cursor?: string };
  extend: { readonly sandbox: SandboxInfo };
  pause: { readonly sandbox: SandboxInfo };
  resume: { readonly sandbox: SandboxInfo };
  /** `killed` is false if there was nothing left to kill. */
  kill: { readonly killed: boolean };
  token: { readonly connection: Connection };
}

/** The payload of the Lambda invocation. */
export type AllocatorEvent<R extends AllocatorRequest = AllocatorRequest> = R & {
  readonly version: typeof ALLOCATOR_PROTOCOL_VERSION;
};

/** The answer of the Lambda invocation. A function error means that the allocator itself broke. */
export type AllocatorAnswer<O extends AllocatorOperation = AllocatorOperation> =
  | { readonly ok: true; readonly result: AllocatorResults[O] }
  | { readonly ok: false; readonly error: ErrorBody };

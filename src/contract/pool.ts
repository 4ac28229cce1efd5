/** What `SandboxPool` renders and `lambda/allocator` and `lambda/keeper` read. */

/** Environment variable of both functions: a JSON `PoolConfiguration`. */
export const POOL_CONFIGURATION_VARIABLE = 'POOL_CONFIGURATION';

/** Environment variable of a function that uses a pool: the ARN of the pool's allocator. */
export const POOL_VARIABLE = 'SANDBOX_POOL';

export interface PoolConfiguration {
  readonly tableName: string;
  readonly imageArn: string;
  /** Exact version that new sandboxes run. */
  readonly imageVersion: string;
  /** Port of our daemon, or null for an image without our runtime. */
  readonly daemonPort: number | null;
  /** Never opened by a token, or null if the image has no hooks. */
  readonly hookPort: number | null;
  readonly executionRoleArn: string | null;
  /** Where microVMs write their output; only with an execution role. */
  readonly logGroupName: string | null;
  readonly ingressConnectorArns: string[];
  readonly egressConnectorArns: string[];
  readonly maxSandboxes: number;
  /** Lease of a sandbox whose creator named none. */
  readonly defaultLeaseMs: number;
  /** What the platform does after this many seconds without traffic, or null: nothing. */
  readonly idle: { readonly afterSeconds: number; readonly then: 'suspend' | 'terminate' } | null;
}

/** The table: one partition per kind of item. */
export const POOL_TABLE = {
  partitionKey: 'kind',
  sortKey: 'id',
  timeToLive: 'removeAfter',
} as const;

/** The allocator works on one request for at most this long; the keeper takes a launch that is older for abandoned. */
export const ALLOCATOR_TIMEOUT_SECONDS = 60;

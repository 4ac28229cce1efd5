/** What `SandboxPool` renders and `lambda/allocator` and `lambda/keeper` read. */

/** Environment variable of both functions: a JSON `PoolConfiguration`. */
export const POOL_CONFIGURATION_VARIABLE = 'POOL_CONFIGURATION';

/** Environment variable of a function that uses a pool: the ARN of the pool's allocator. */
export const POOL_VARIABLE = 'SANDBOX_POOL';

export interface PoolConfiguration {
  /** What the pool's metrics carry as their dimension. */
  readonly poolName: string;
  readonly tableName: string;
  readonly imageArn: string;
  /** Exact version that new sandboxes run, or null: the image's current one, looked up when a sandbox is started. */
  readonly imageVersion: string | null;
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

/** The managed connector that lets nobody in: the name that its ARN ends in. */
export const NO_INGRESS = 'NO_INGRESS';

/** The allocator works on one request for at most this long; the keeper takes a launch that is older for abandoned. */
export const ALLOCATOR_TIMEOUT_SECONDS = 60;

/** The keeper's time: a pass takes a minute at most, ending all sandboxes of a pool that is deleted takes the rest. */
export const KEEPER_TIMEOUT_SECONDS = 14 * 60;

/** Metrics of a pool, in the dimension `PoolName`. */
export const POOL_METRICS = {
  dimension: 'PoolName',
  /** Sandboxes that were created. */
  created: 'SandboxesCreated',
  /** Milliseconds that the allocator took for one of them. */
  createDuration: 'SandboxCreateDuration',
  /** Creations that were refused or failed, whatever the reason. */
  createFailed: 'SandboxCreateFailed',
  /** Creations refused because `maxSandboxes` of them live. */
  exhausted: 'PoolExhausted',
  /** Creations refused by a quota of the account. */
  quotaExceeded: 'QuotaExceeded',
  /** Sandboxes in the table that live, suspended ones included. Reported while there are any. */
  live: 'SandboxesLive',
  /** Sandboxes that the keeper ended because their lease did. */
  expired: 'SandboxesExpired',
  /** Launches that nobody completed, cleaned up by the keeper. */
  abandoned: 'LaunchesAbandoned',
  /** Sandboxes that a pass of the keeper could not end. */
  reapFailed: 'ReapFailed',
} as const;

/**
 * The pool's custom resource: deleted with the pool, it makes the keeper end all that the pool started; updated, what the pool cannot serve
 * any more.
 */
export const POOL_RESOURCE_TYPE = 'Custom::MicrovmSandboxPool';

/** Properties of the custom resource: what microVMs are started with, and the keeper's rights name. */
export interface PoolResourceProperties {
  readonly ServiceToken: string;
  readonly ImageArn: string;
  /** Those for ingress first. */
  readonly ConnectorArns: string[];
  readonly ExecutionRoleArn?: string;
}

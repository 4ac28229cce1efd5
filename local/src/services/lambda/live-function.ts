import type { AsyncConfiguration, FunctionDefinition } from './function-definition';
import type { FunctionPool } from './function-pool';
import type { FunctionVersions } from './function-versions';

/** A statement of a function's policy. */
export interface PermissionStatement {
  readonly Resource: string;
}

/** A function with what runs of it. */
export interface LiveFunction {
  definition: FunctionDefinition;
  pool: FunctionPool;
  asyncConfiguration: AsyncConfiguration;
  /** Statements of the function's policy by id. */
  permissions: Readonly<Record<string, PermissionStatement>>;
  readonly versions: FunctionVersions;
}

export function pools({ pool, versions }: LiveFunction): FunctionPool[] {
  return [pool, ...versions.pools()];
}

export function codeFolders({ definition, versions }: LiveFunction): string[] {
  return [definition, ...versions.published()].map(({ codeFolder }) => codeFolder);
}

/** Over all versions, which share the function's reserved concurrency. */
export function busy(live: LiveFunction): number {
  return pools(live).reduce((sum, pool) => sum + pool.busy, 0);
}

export function isFull(live: LiveFunction): boolean {
  return busy(live) >= (live.definition.reservedConcurrency ?? Infinity);
}

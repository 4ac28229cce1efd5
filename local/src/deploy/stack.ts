import type { Properties } from './properties';

/** A resource as the service made it. */
export interface Resource {
  /** What `Ref` answers. */
  readonly physicalId: string;
  /** What `Fn::GetAtt` answers. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A resource of a stack. */
export interface StackResource extends Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
  readonly dependencies: ReadonlySet<string>;
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
}

export interface Stack {
  readonly name: string;
  readonly id: string;
  resources: ReadonlyMap<string, StackResource>;
  outputs: Readonly<Record<string, string>>;
  /** By the name that other stacks import. */
  exports: ReadonlyMap<string, string>;
  /** Names of the exports of other stacks that this one reads. */
  imports: ReadonlySet<string>;
  /** It was never complete: what is left can only be deleted. */
  rollbackFailed?: boolean;
}

export interface DeployErrorOptions extends ErrorOptions {
  readonly logicalId?: string;
  readonly resourceType?: string;
}

/** A deployment or deletion that did not work out. The stack is as it was before, unless the reason says otherwise. */
export class DeployError extends Error {
  /** The resource that failed first; absent if it was none. */
  readonly logicalId?: string;
  readonly resourceType?: string;

  constructor(readonly stackName: string, readonly reason: string, options: DeployErrorOptions = {}) {
    const { logicalId, resourceType, cause } = options;
    super(`stack ${stackName}: ${logicalId ? `${logicalId} (${resourceType}): ` : ''}${reason}`, { cause });
    this.name = 'DeployError';
    this.logicalId = logicalId;
    this.resourceType = resourceType;
  }
}

/** The error itself if it is a `DeployError`, else one of the stack. */
export function asDeployError(stackName: string, error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  return new DeployError(stackName, error instanceof Error ? error.message : String(error), { cause: error });
}

/** A resource that could not be made, although something may stand now that has to be deleted. */
export class PartialFailure extends Error {
  constructor(readonly physicalId: string, reason: string) {
    super(reason);
  }
}

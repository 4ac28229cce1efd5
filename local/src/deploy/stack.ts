import type { Properties } from './properties';
import type { StackEventRecord, StackRecord, StackResourceRecord, StackStatus } from './stack-engine';
import type { Template } from './template';

/** A resource as the service made it. */
export interface Resource {
  /** What `Ref` answers. */
  readonly physicalId: string;
  /** What `Fn::GetAtt` answers. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Its attributes are shown as asterisks. */
  readonly isSecret?: boolean;
}

/** A resource of a stack. */
export interface StackResource extends Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
  /** The properties as anybody may see them; absent if they hold no secret. */
  readonly shownProperties?: Properties;
  readonly dependencies: ReadonlySet<string>;
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
}

/** A resource that is being made. */
export type UnderWay = Omit<StackResource, keyof Resource> & {
  /** Under which something stands already. */
  readonly physicalId?: string;
};

/** A resource that the stack has no use for any more and has still to delete, or to let go. */
export interface Leftover {
  readonly resource: StackResource;
  readonly isRetained: boolean;
}

/** A stack and everything known of it. Changed in place while an operation runs, so that whoever looks sees how far that is. */
export interface Stack {
  readonly name: string;
  readonly id: string;
  readonly createdAt: number;
  /** Id of the stack that this one is a resource of. */
  readonly parentId?: string;
  status: StackStatus;
  statusReason?: string;
  updatedAt?: number;
  deletedAt?: number;
  terminationProtection: boolean;
  disableRollback: boolean;
  template: Template;
  templateBody: string;
  /** As given or by default, secrets included. */
  parameters: Readonly<Record<string, string>>;
  shownParameters: StackRecord['parameters'];
  tags: Readonly<Record<string, string>>;
  roleArn?: string;
  readonly resources: Map<string, StackResource>;
  leftovers: Leftover[];
  /** The ones of which it is not known yet whether their creation works out. */
  readonly underWay: Map<string, UnderWay>;
  outputs: StackRecord['outputs'];
  /** By the name that other stacks import. */
  exports: ReadonlyMap<string, string>;
  /** Names of the exports of other stacks that this one reads. */
  imports: ReadonlySet<string>;
  readonly states: Map<string, StackResourceRecord>;
  events: StackEventRecord[];
}

/** A stack of which there is nothing but the name yet. */
export function newStack(name: string, id: string, createdAt: number): Stack {
  return {
    name,
    id,
    createdAt,
    status: 'REVIEW_IN_PROGRESS',
    terminationProtection: false,
    disableRollback: false,
    template: { Resources: {} },
    templateBody: '',
    parameters: {},
    shownParameters: [],
    tags: {},
    resources: new Map(),
    leftovers: [],
    underWay: new Map(),
    outputs: [],
    exports: new Map(),
    imports: new Set(),
    states: new Map(),
    events: [],
  };
}

/** Whether an operation is under way. */
export function isBusy({ status }: Pick<Stack, 'status'>): boolean {
  return status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS';
}

export function stackRecord(stack: Stack): StackRecord {
  const { name, id, status, statusReason, templateBody, tags, roleArn, outputs } = stack;
  const { createdAt, updatedAt, deletedAt, terminationProtection, disableRollback } = stack;
  return {
    name,
    id,
    status,
    statusReason,
    description: stack.template.Description,
    templateBody,
    parameters: stack.shownParameters,
    tags,
    roleArn,
    outputs,
    resources: [...stack.states.values()],
    events: [...stack.events],
    createdAt,
    updatedAt,
    deletedAt,
    terminationProtection,
    disableRollback,
  };
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

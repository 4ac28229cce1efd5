import type { StackEvent as CloudStackEvent } from '../cloud-event';
import { ServiceError } from '../services/service-error';

/** CloudFormation's statuses of a stack. */
export type StackStatus = CloudStackEvent['status'] | 'REVIEW_IN_PROGRESS';

/** What a stack is to become. */
export interface StackInput {
  readonly stackName: string;
  /** As it was sent: JSON or YAML. */
  readonly templateBody: string;
  /** Values of the template's parameters. Absent on an update: the value that the stack has stays, else the template's default. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly roleArn?: string;
  /** What stays as it is after a failure is rolled back unless this is true. */
  readonly disableRollback?: boolean;
}

/** One line of a stack's history. */
export interface StackEventRecord {
  readonly eventId: string;
  readonly logicalId: string;
  readonly physicalId: string;
  readonly resourceType: string;
  readonly status: string;
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** JSON; absent for events of the stack itself. */
  readonly properties?: string;
}

export interface StackResourceRecord {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

export interface StackOutput {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
  readonly exportName?: string;
}

/** What a template says of itself. */
export interface TemplateSummary {
  readonly parameters: readonly { key: string; defaultValue?: string; noEcho: boolean; description?: string }[];
  readonly description?: string;
}

/** A stack as DescribeStacks tells of it; deleted ones are kept, as on AWS, and are found by their id only. */
export interface StackRecord {
  readonly name: string;
  /** ARN. */
  readonly id: string;
  readonly status: StackStatus;
  readonly statusReason?: string;
  readonly description?: string;
  readonly templateBody: string;
  /** `NoEcho` values are `****`. */
  readonly parameters: readonly { readonly key: string; readonly value: string; readonly resolvedValue?: string }[];
  readonly tags: Readonly<Record<string, string>>;
  readonly roleArn?: string;
  readonly outputs: readonly StackOutput[];
  readonly resources: readonly StackResourceRecord[];
  /** Oldest first. */
  readonly events: readonly StackEventRecord[];
  readonly createdAt: number;
  readonly updatedAt?: number;
  readonly deletedAt?: number;
  readonly terminationProtection: boolean;
  /** The last creation or update was to leave everything as it is if it fails. */
  readonly disableRollback: boolean;
}

/** What executing a change set would do to one resource. */
export interface ResourceChange {
  readonly action: 'Add' | 'Modify' | 'Remove';
  readonly logicalId: string;
  readonly physicalId?: string;
  readonly type: string;
  /** For `Modify`. */
  readonly replacement?: 'True' | 'False' | 'Conditional';
  /** Names of the properties that differ. */
  readonly properties: readonly string[];
  /** Those of them that take a new resource. Absent: none. */
  readonly replacing?: readonly string[];
}

/** A template imports what no stack exports: a change set with it fails, and an operation rolls back at once. */
export class MissingExportError extends ServiceError {
  constructor(name: string) {
    super('ValidationError', `No export named ${name} found`);
  }
}

/**
 * CloudFormation without its wire format: `LocalCloud.deploy()` and the CloudFormation API are two doors to it.
 *
 * Methods that start an operation answer at once, after everything was checked that CloudFormation checks before it answers, and throw
 * a `ServiceError` with its code and text (`ValidationError`, `AlreadyExistsException`, …). What happens then is told by `settled`, the
 * record's status and its events.
 */
export interface StackEngine {
  /** Every stack, deleted ones included, in the order of their creation. */
  list(): StackRecord[];
  /** By name (stacks that exist) or id (deleted ones, too). Undefined: there is none. */
  find(nameOrId: string): StackRecord | undefined;
  create(input: StackInput): StackRecord;
  /** Throws `ValidationError` "No updates are to be performed." if nothing differs. */
  update(input: StackInput): StackRecord;
  delete(nameOrId: string, options?: { readonly retain?: readonly string[] }): void;
  /** Makes a stack in REVIEW_IN_PROGRESS, which a change set of the type CREATE stands on. */
  reserve(stackName: string, tags?: Readonly<Record<string, string>>): StackRecord;
  /** What `create` or `update` would do. Empty: nothing. Throws a `MissingExportError` for an import that would fail. */
  preview(input: StackInput): ResourceChange[];
  /** Its parameters as `create` or `update` would have them, those included that keep the value that the stack has. */
  shownParameters(input: StackInput): StackRecord['parameters'];
  /** Whether an update of a stack that exists would do anything, also to what is no resource. */
  differs(input: StackInput): boolean;
  /** Checks a template; answers its parameters and capabilities. */
  validate(templateBody: string): TemplateSummary;
  setTerminationProtection(nameOrId: string, enabled: boolean): void;
  /** Values as anybody may see them. */
  exports(): readonly { readonly name: string; readonly value: string; readonly stackId: string }[];
  /** Names of the stacks that import an export. */
  importers(exportName: string): string[];
  /** Resolves once no operation is under way on the stack. */
  settled(nameOrId: string): Promise<void>;
}

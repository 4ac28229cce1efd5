import { randomUUID } from 'node:crypto';
import type { ApiRequest, ObjectReader } from '../../api';
import type { Clock } from '../../clock';
import type { ResourceChange, StackEngine, StackInput, StackRecord } from '../../deploy/stack-engine';
import { MissingExportError } from '../../deploy/stack-engine';
import { constraint, type QueryInput, type QueryOperation } from '../query-protocol';
import { ServiceError } from '../service-error';
import type { ChangeSet, ChangeSetType } from './change-set';
import { basisOf, executionStatus, statusOf } from './change-set';
import type { DeploymentInput } from './deployment-input';
import { deploymentInput, newStackName, rollbackDisabled } from './deployment-input';
import { pageOf } from './pages';
import { RequestTokens } from './request-tokens';
import { StackLookup } from './stack-lookup';
import { describedChange, parameterList, tagList } from './views';

export interface ChangeSetsOptions {
  readonly engine: StackEngine;
  readonly objects: ObjectReader;
  readonly clock: Pick<Clock, 'now'>;
  readonly account: string;
  readonly region: string;
}

const NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set.";

/** What a stack is to become, to be looked at before it is done. */
export class ChangeSets {
  readonly #tokens = new RequestTokens();
  readonly #stacks: StackLookup;
  readonly #byId = new Map<string, ChangeSet>();

  readonly operations: Readonly<Record<string, QueryOperation>> = {
    CreateChangeSet: (input, request) => this.#tokens.once(
      input.string('ClientToken'),
      `CreateChangeSet ${input.required('StackName')} ${input.required('ChangeSetName')}`,
      () => this.#create(input, request),
    ),
    DescribeChangeSet: (input) => this.#describe(input),
    ListChangeSets: (input) => this.#list(input),
    ExecuteChangeSet: (input) => this.#tokens.once(
      input.string('ClientRequestToken'),
      `ExecuteChangeSet ${input.string('StackName')} ${input.required('ChangeSetName')}`,
      () => this.#execute(input),
    ),
    DeleteChangeSet: (input) => this.#delete(input),
  };

  constructor(private readonly options: ChangeSetsOptions) {
    this.#stacks = new StackLookup(options.engine);
  }

  save(): readonly ChangeSet[] {
    return [...this.#byId.values()].filter((changeSet) => this.#live(changeSet));
  }

  restore(changeSets: readonly ChangeSet[]): void {
    for (const changeSet of changeSets) {
      // Nobody is left who would say how it ended.
      this.#byId.set(changeSet.id, changeSet.execution === 'EXECUTE_IN_PROGRESS' ? { ...changeSet, execution: 'EXECUTE_FAILED' } : changeSet);
    }
  }

  async #create(input: QueryInput, request: ApiRequest): Promise<object> {
    const { engine, objects } = this.options;
    const name = changeSetName(input);
    const type = typeOf(input);
    const existing = this.#stackFor(type, input);
    const deployment = await deploymentInput(input, request, { existing: type === 'UPDATE' ? existing : undefined, objects });
    const stack = { ...deployment.stack, disableRollback: rollbackDisabled(input) };
    const taken = existing && this.#of(existing.id).find((other) => other.name === name && !other.execution);
    if (taken) throw new ServiceError('AlreadyExistsException', `ChangeSet ${taken.id} already exists`);
    const preview = this.#preview(stack, type);
    // Another request may have made the stack meanwhile.
    const record = this.#stackFor(type, input) ?? engine.reserve(stack.stackName, stack.tags);
    const changeSet = { ...this.#newChangeSet(input, { ...deployment, stack }, record), ...preview };
    this.#byId.set(changeSet.id, changeSet);
    return { Id: changeSet.id, StackId: changeSet.stackId };
  }

  /** The stack that there is; for CREATE only one under review may be there, or none. */
  #stackFor(type: ChangeSetType, input: QueryInput): StackRecord | undefined {
    if (type === 'UPDATE') {
      const stack = this.#stacks.inBrackets(input.required('StackName'));
      if (stack.status !== 'REVIEW_IN_PROGRESS') return stack;
      throw new ServiceError('ValidationError', `Stack [${stack.name}] does not exist`);
    }
    const stack = this.options.engine.find(newStackName(input));
    if (!stack || stack.status === 'REVIEW_IN_PROGRESS') return stack;
    throw new ServiceError('ValidationError', `Stack [${stack.name}] already exists and cannot be created again with the changeSet [${changeSetName(input)}].`);
  }

  #newChangeSet(input: QueryInput, { stack, capabilities }: DeploymentInput, record: StackRecord): Omit<ChangeSet, 'changes'> {
    const { account, region, clock, engine } = this.options;
    const name = changeSetName(input);
    return {
      id: `arn:aws:cloudformation:${region}:${account}:changeSet/${name}/${randomUUID()}`,
      name,
      type: typeOf(input),
      stackId: record.id,
      stackName: record.name,
      description: input.string('Description'),
      createdAt: clock.now(),
      input: stack,
      parameters: engine.shownParameters(stack),
      capabilities,
      includeNestedStacks: input.boolean('IncludeNestedStacks') ?? false,
      importExistingResources: input.boolean('ImportExistingResources') ?? false,
      basis: basisOf(record),
    };
  }

  /** Throws what is wrong with the template or its parameters, before there is anything. */
  #preview(stack: StackInput, type: ChangeSetType): { changes: ResourceChange[]; failure?: string } {
    const { engine } = this.options;
    try {
      const changes = engine.preview(stack);
      return type === 'UPDATE' && !engine.differs(stack) ? { changes, failure: NO_CHANGES } : { changes };
    } catch (error) {
      if (error instanceof MissingExportError) return { changes: [], failure: error.message };
      throw error;
    }
  }

  #describe(input: QueryInput): object {
    const changeSet = this.#find(input);
    const { changes, parameters, input: { tags = {} } } = changeSet;
    const { items, nextToken } = pageOf(changes, input.string('NextToken'), { keyOf: ({ logicalId, action }) => `${action} ${logicalId}` });
    return {
      ...this.#summary(changeSet),
      Parameters: parameterList(parameters),
      NotificationARNs: [],
      RollbackConfiguration: {},
      Capabilities: changeSet.capabilities,
      Tags: tagList(tags),
      Changes: items.map(describedChange),
      NextToken: nextToken,
    };
  }

  #list(input: QueryInput): object {
    const stack = this.#stacks.inBrackets(input.required('StackName'));
    const waiting = this.#of(stack.id).filter(({ execution }) => !execution);
    const { items, nextToken } = pageOf(waiting, input.string('NextToken'), { keyOf: ({ id }) => id });
    return { Summaries: items.map((changeSet) => this.#summary(changeSet)), NextToken: nextToken };
  }

  #summary(changeSet: ChangeSet): object {
    const stack = this.#stacks.inBrackets(changeSet.stackId);
    return {
      StackId: changeSet.stackId,
      StackName: changeSet.stackName,
      ChangeSetId: changeSet.id,
      ChangeSetName: changeSet.name,
      ExecutionStatus: executionStatus(changeSet, stack),
      Status: statusOf(changeSet),
      StatusReason: changeSet.failure,
      CreationTime: new Date(changeSet.createdAt),
      Description: changeSet.description,
      IncludeNestedStacks: changeSet.includeNestedStacks,
      ImportExistingResources: changeSet.importExistingResources,
    };
  }

  #execute(input: QueryInput): void {
    const { engine } = this.options;
    const changeSet = this.#find(input);
    const status = executionStatus(changeSet, this.#stacks.inBrackets(changeSet.stackId));
    if (status !== 'AVAILABLE') {
      const shown = statusOf(changeSet) === 'FAILED' ? 'FAILED' : status;
      throw new ServiceError('InvalidChangeSetStatus', `ChangeSet [${changeSet.id}] cannot be executed in its current status of [${shown}]`);
    }
    const disableRollback = rollbackDisabled(input) ?? changeSet.input.disableRollback;
    const stack = { ...changeSet.input, disableRollback };
    if (changeSet.type === 'CREATE') engine.create(stack);
    else engine.update(stack);
    // The others were worked out from what the stack is no longer.
    for (const { id } of this.#of(changeSet.stackId)) this.#byId.delete(id);
    this.#byId.set(changeSet.id, { ...changeSet, execution: 'EXECUTE_IN_PROGRESS' });
    void this.#settle(changeSet);
  }

  async #settle(changeSet: ChangeSet): Promise<void> {
    await this.options.engine.settled(changeSet.stackId);
    const status = this.options.engine.find(changeSet.stackId)?.status;
    const execution = status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE' ? 'EXECUTE_COMPLETE' : 'EXECUTE_FAILED';
    if (this.#byId.has(changeSet.id)) this.#byId.set(changeSet.id, { ...changeSet, execution });
  }

  /** A change set that is not there is deleted already; its stack has to be there. */
  #delete(input: QueryInput): void {
    const changeSet = this.#lookUp(input);
    if (changeSet?.execution === 'EXECUTE_IN_PROGRESS') {
      throw new ServiceError('InvalidChangeSetStatus', `An operation on this ChangeSet is in progress: [${changeSet.id}]`);
    }
    if (changeSet) this.#byId.delete(changeSet.id);
  }

  #find(input: QueryInput): ChangeSet {
    const found = this.#lookUp(input);
    if (!found) throw new ServiceError('ChangeSetNotFound', `ChangeSet [${input.required('ChangeSetName')}] does not exist`, 404);
    return found;
  }

  /** By its ARN, or by its name and its stack. */
  #lookUp(input: QueryInput): ChangeSet | undefined {
    const nameOrId = input.required('ChangeSetName');
    const stackName = input.string('StackName');
    if (stackName === undefined && !nameOrId.startsWith('arn:')) {
      throw new ServiceError('ValidationError', 'StackName must be specified if ChangeSetName is not specified as an ARN.');
    }
    if (stackName === undefined) return this.#live(this.#byId.get(nameOrId));
    const { id } = this.#stacks.inBrackets(stackName);
    return this.#of(id).reverse().find((changeSet) => changeSet.id === nameOrId || changeSet.name === nameOrId);
  }

  #of(stackId: string): ChangeSet[] {
    return [...this.#byId.values()].filter((changeSet) => changeSet.stackId === stackId && this.#live(changeSet));
  }

  /** A deleted stack takes its change sets with it. */
  #live(changeSet: ChangeSet | undefined): ChangeSet | undefined {
    if (!changeSet) return undefined;
    const stack = this.options.engine.find(changeSet.stackId);
    if (stack && stack.status !== 'DELETE_COMPLETE') return changeSet;
    this.#byId.delete(changeSet.id);
    return undefined;
  }
}

function changeSetName(input: QueryInput): string {
  const name = input.required('ChangeSetName');
  if (NAME.test(name)) return name;
  throw constraint('ChangeSetName', `'${name.slice(0, 256)}'`, 'Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, with 1 to 128 characters');
}

function typeOf(input: QueryInput): ChangeSetType {
  const type = input.string('ChangeSetType') ?? 'UPDATE';
  if (type === 'CREATE' || type === 'UPDATE') return type;
  throw new ServiceError('ValidationError', `ChangeSetType ${type.slice(0, 32)}: the local cloud has CREATE and UPDATE`);
}

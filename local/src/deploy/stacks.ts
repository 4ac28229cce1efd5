import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CloudEvent } from '../cloud-event';
import type { Persistent } from '../persistent';
import { NestedOperations } from './nested-operations';
import { previewChanges } from './preview';
import { ResourceDriver } from './resource-driver';
import type { ResourceContext } from './resource-type';
import type { Stack, StackResource } from './stack';
import { isBusy, newStack, stackRecord } from './stack';
import { defineStack } from './stack-definition';
import type { ResourceChange, StackEngine, StackInput, StackRecord } from './stack-engine';
import { StackJournal, USER_INITIATED } from './stack-journal';
import type { Desired } from './stack-operation';
import { StackOperation } from './stack-operation';
import type { StackPlan } from './stack-plan';
import type { SavedStack } from './stack-state';
import { abandonedStatus, restoreStack, saveStack } from './stack-state';
import { StackStore } from './stack-store';
import { isSecret } from './template';
import { readTemplate } from './template-check';
import { ServiceError } from '../services/service-error';

export type StacksOptions = Pick<ResourceContext, 'services' | 'clock' | 'account' | 'region' | 'adopts' | 'warn' | 'ending'> & {
  readonly emit: (event: CloudEvent) => void;
};

/** An operation that has begun. */
export interface Begun {
  readonly stack: Stack;
  /** Throws a `DeployError` once everything has come to rest. */
  readonly done: Promise<void>;
}

const NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const UPDATABLE = new Set(['CREATE_COMPLETE', 'CREATE_FAILED', 'UPDATE_COMPLETE', 'UPDATE_FAILED', 'UPDATE_ROLLBACK_COMPLETE']);

/** The stacks of CloudFormation: the engine behind `LocalCloud.deploy()` and behind the CloudFormation API. */
export class Stacks implements StackEngine, Persistent {
  readonly #store = new StackStore();
  readonly #running = new Map<string, Promise<void>>();

  constructor(private readonly options: StacksOptions) {}

  list(): StackRecord[] {
    return this.#store.all().map(stackRecord);
  }

  find(nameOrId: string): StackRecord | undefined {
    const stack = this.#store.find(nameOrId);
    return stack && stackRecord(stack);
  }

  create(input: StackInput): StackRecord {
    return this.#inBackground(this.beginCreation(input));
  }

  update(input: StackInput): StackRecord {
    return this.#inBackground(this.beginUpdate(input));
  }

  delete(nameOrId: string, options: { readonly retain?: readonly string[] } = {}): void {
    const stack = this.#store.find(nameOrId);
    // Deleting what is gone, or what is being deleted, succeeds.
    if (!stack || stack.status === 'DELETE_COMPLETE' || stack.status === 'DELETE_IN_PROGRESS') return;
    this.#inBackground(this.beginDeletion(stack.id, options));
  }

  reserve(stackName: string, tags: Readonly<Record<string, string>> = {}): StackRecord {
    const existing = this.#store.find(stackName);
    if (existing && existing.status !== 'REVIEW_IN_PROGRESS') throw alreadyExists(stackName);
    if (existing) return stackRecord(existing);
    const stack = this.#add(stackName, { tags });
    this.#journal(stack).stackStatus('REVIEW_IN_PROGRESS', USER_INITIATED);
    return stackRecord(stack);
  }

  preview(input: StackInput): ResourceChange[] {
    const stack = this.#store.find(input.stackName);
    const existing = stack?.status === 'REVIEW_IN_PROGRESS' ? undefined : stack;
    const { plan } = this.#define(input, existing);
    plan.checkImports();
    return previewChanges(existing, plan);
  }

  validate(templateBody: string): ReturnType<StackEngine['validate']> {
    const { Parameters = {}, Description } = readTemplate(templateBody);
    const parameters = Object.entries(Parameters).map(([key, parameter]) => ({
      key,
      noEcho: isSecret(parameter),
      ...(parameter.Default !== undefined && { defaultValue: String(parameter.Default) }),
      ...(parameter.Description !== undefined && { description: parameter.Description }),
    }));
    return { parameters, ...(Description !== undefined && { description: Description }) };
  }

  setTerminationProtection(nameOrId: string, enabled: boolean): void {
    this.#store.require(nameOrId).terminationProtection = enabled;
  }

  exports(): { name: string; value: string; stackId: string }[] {
    return this.#store.existing().flatMap(({ id: stackId, exports }) => {
      return [...exports].map(([name, value]) => ({ name, value, stackId }));
    });
  }

  importers(exportName: string): string[] {
    return this.#store.importers(exportName);
  }

  async settled(nameOrId: string): Promise<void> {
    const stack = this.#store.find(nameOrId);
    while (stack && this.#running.has(stack.id)) await this.#running.get(stack.id);
  }

  /** @internal Stacks as they are, for the door in this process. */
  existing(): Stack[] {
    return this.#store.existing();
  }

  /** @internal Throws CloudFormation's `ValidationError` if there is no such stack. */
  require(nameOrId: string): Stack {
    return this.#store.require(nameOrId);
  }

  /** @internal Checks, then creates. */
  beginCreation(input: StackInput, parentId?: string): Begun {
    const existing = this.#store.find(input.stackName);
    if (existing && existing.status !== 'REVIEW_IN_PROGRESS') throw alreadyExists(input.stackName);
    checkName(input.stackName);
    // Everything is checked before there is anything of the stack.
    const id = existing?.id ?? this.#newId(input.stackName);
    const desired = this.#define({ tags: existing?.tags, ...input }, undefined, id);
    const stack = existing ?? this.#add(input.stackName, { id, parentId });
    return this.#begin(stack, (operation) => operation.create(desired), desired);
  }

  /** @internal Checks, then updates. */
  beginUpdate(input: StackInput): Begun {
    const stack = this.#store.require(input.stackName);
    if (!UPDATABLE.has(stack.status)) throw invalid(`Stack [${stack.name}] is in ${stack.status} state and can not be updated.`);
    const desired = this.#define(input, stack);
    const changed = typeChanges(stack, desired.plan);
    if (changed.length > 0) {
      throw invalid(`Update of resource type is not permitted. The new template modifies resource type of the following resources: [${changed.join(', ')}]`);
    }
    if (!this.differs(input)) throw invalid('No updates are to be performed.');
    stack.updatedAt = this.options.clock.now();
    return this.#begin(stack, (operation) => operation.update(desired), desired);
  }

  /** @internal Checks, then deletes. */
  beginDeletion(nameOrId: string, { retain = [] }: { readonly retain?: readonly string[] } = {}): Begun {
    const stack = this.#store.require(nameOrId);
    if (stack.terminationProtection) throw invalid(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`);
    if (isBusy(stack)) throw invalid(`Stack [${stack.name}] cannot be deleted while in status ${stack.status}`);
    const unknown = retain.filter((logicalId) => !stack.resources.has(logicalId));
    if (retain.length > 0 && stack.status !== 'DELETE_FAILED') throw invalid(`RetainResources is for stacks in DELETE_FAILED; [${stack.name}] is in ${stack.status}`);
    if (unknown.length > 0) throw invalid(`RetainResources names [${unknown.join(', ')}], which stack [${stack.name}] does not have`);
    return this.#begin(stack, async (operation) => {
      await operation.delete({ retain, user: this.#store.userOf(stack) });
      Object.assign(stack, { deletedAt: this.options.clock.now(), exports: new Map(), imports: new Set() });
    });
  }

  /** @internal Resolves once no operation is under way on any stack. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  save(): unknown {
    return { stacks: this.#store.all().map(saveStack) };
  }

  restore(state: unknown): void {
    for (const saved of (state as { readonly stacks: readonly SavedStack[] }).stacks) {
      const stack = restoreStack(saved);
      this.#store.add(stack, this.options.clock.now());
      const status = abandonedStatus(stack);
      if (status) this.#journal(stack).stackStatus(status, 'The local cloud ended while this was under way. Delete the stack, or update it where its status allows.');
    }
  }

  /** @internal Whether an update would do anything. */
  differs(input: StackInput): boolean {
    const stack = this.#store.require(input.stackName);
    // What failed half way is tried again.
    if (stack.status.endsWith('FAILED')) return true;
    if (input.tags && !isDeepStrictEqual({ ...input.tags }, { ...stack.tags })) return true;
    const { plan } = this.#define(input, stack);
    if (typeChanges(stack, plan).length > 0 || previewChanges(stack, plan).length > 0) return true;
    try {
      const { outputs } = plan.outputs();
      return !isDeepStrictEqual(outputs, stack.outputs);
    } catch {
      return true;
    }
  }

  #begin(stack: Stack, work: (operation: StackOperation) => Promise<void>, desired?: Desired): Begun {
    const { options } = this;
    const { ending, warn } = options;
    ending.throwIfAborted();
    const journal = this.#journal(stack);
    const nested = new NestedOperations(this);
    const driver = new ResourceDriver({ ...options, stackName: stack.name, stackId: stack.id, nested }, journal);
    const checkExports = (exports: ReadonlyMap<string, string>): void => this.#store.checkExports(stack, exports);
    if (desired) this.#warnOf(desired.plan);
    const done = work(new StackOperation({ stack, driver, journal, checkExports, warn, ending }));
    const running = done.catch(() => undefined).finally(() => this.#running.delete(stack.id));
    this.#running.set(stack.id, running);
    return { stack, done };
  }

  /** Whoever asked learns of a failure by the stack's status. */
  #inBackground({ stack, done }: Begun): StackRecord {
    done.catch(() => undefined);
    return stackRecord(stack);
  }

  #define(input: StackInput, stack: Stack | undefined, id = stack?.id ?? this.#newId(input.stackName)): Desired {
    const { account, region, services: { parameters: ssmParameters } } = this.options;
    const importValue = (name: string): string => this.#store.exported(name);
    return defineStack(input, stack, id, { account, region, ssmParameters, importValue });
  }

  #warnOf(plan: StackPlan): void {
    const { warn } = this.options;
    for (const type of plan.unknownTypes()) {
      warn(`the local cloud does not know the resource type ${type}; a stand-in with made-up attributes takes its place`);
    }
    for (const [logicalId, { CreationPolicy, UpdatePolicy }] of Object.entries(plan.wanted)) {
      if (CreationPolicy) warn(`${logicalId}: the local cloud waits for no signals and leaves its CreationPolicy out`);
      if (UpdatePolicy) warn(`${logicalId}: the local cloud updates without regard to its UpdatePolicy`);
    }
  }

  #newId(name: string): string {
    return `arn:aws:cloudformation:${this.options.region}:${this.options.account}:stack/${name}/${randomUUID()}`;
  }

  #add(stackName: string, more: Partial<Stack>): Stack {
    checkName(stackName);
    const now = this.options.clock.now();
    const stack = { ...newStack(stackName, this.#newId(stackName), now), ...more };
    this.#store.add(stack, now);
    return stack;
  }

  #journal(stack: Stack): StackJournal {
    return new StackJournal(stack, this.options.clock, this.options.emit);
  }
}

function typeChanges(stack: Stack, plan: StackPlan): string[] {
  const isChanged = ({ logicalId, type }: StackResource): boolean => (plan.wanted[logicalId]?.Type ?? type) !== type;
  return [...stack.resources.values()].filter(isChanged).map(({ logicalId }) => logicalId);
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw invalid(`1 validation error detected: Value '${name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, with at most 128 characters`);
}

function alreadyExists(name: string): ServiceError {
  return new ServiceError('AlreadyExistsException', `Stack [${name}] already exists`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}

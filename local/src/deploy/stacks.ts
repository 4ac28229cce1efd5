import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CloudEvent } from '../cloud-event';
import type { Persistent } from '../persistent';
import { NestedOperations } from './nested-operations';
import { previewChanges } from './preview';
import { ResourceDriver } from './resource-driver';
import type { ResourceContext } from './resource-type';
import type { Stack } from './stack';
import { newStack, stackRecord } from './stack';
import { checkDeletable, checkFree, checkName, checkTypes, checkUpdatable, invalid } from './stack-checks';
import { defineStack } from './stack-definition';
import type { ResourceChange, StackEngine, StackInput, StackRecord } from './stack-engine';
import { StackJournal, USER_INITIATED } from './stack-journal';
import type { Desired } from './stack-operation';
import { StackOperation } from './stack-operation';
import type { StackPlan } from './stack-plan';
import type { SavedStack } from './stack-state';
import { abandonedStatus, restoreStack, saveStack } from './stack-state';
import type { Exported } from './stack-store';
import { exportsOf, StackStore } from './stack-store';
import { isSecret } from './template';
import { readTemplate } from './template-check';

export type StacksOptions = Pick<ResourceContext, 'services' | 'microvms' | 'clock' | 'account' | 'region' | 'adopts' | 'warn' | 'ending'> & {
  readonly emit: (event: CloudEvent) => void;
};

/** An operation that has begun. */
export interface Begun {
  readonly stack: Stack;
  /** Throws a `DeployError` once everything has come to rest. */
  readonly done: Promise<void>;
}

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
    checkFree(stackName, existing);
    if (existing) return stackRecord(existing);
    const stack = this.#add(stackName, { tags });
    this.#journal(stack).stackStatus('REVIEW_IN_PROGRESS', USER_INITIATED);
    return stackRecord(stack);
  }

  preview(input: StackInput): ResourceChange[] {
    const stack = this.#store.find(input.stackName);
    const existing = stack?.status === 'REVIEW_IN_PROGRESS' ? undefined : stack;
    if (existing) checkUpdatable(existing);
    const { plan } = this.#define(input, existing);
    if (existing) checkTypes(existing, plan);
    plan.checkImports();
    return previewChanges(existing, plan);
  }

  shownParameters(input: StackInput): StackRecord['parameters'] {
    return this.#define(input, this.#store.find(input.stackName)).definition.shownParameters;
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
    return this.#store.existing().flatMap((stack) => {
      return exportsOf(stack).map(({ name, shown }) => ({ name, value: shown, stackId: stack.id }));
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
    checkFree(input.stackName, existing);
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
    checkUpdatable(stack);
    const desired = this.#define(input, stack);
    if (!this.differs(input)) throw invalid('No updates are to be performed.');
    stack.updatedAt = this.options.clock.now();
    return this.#begin(stack, (operation) => operation.update(desired), desired);
  }

  /** @internal Checks, then deletes. */
  beginDeletion(nameOrId: string, { retain = [] }: { readonly retain?: readonly string[] } = {}): Begun {
    const stack = this.#store.require(nameOrId);
    checkDeletable(stack, retain);
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

  /** @internal Whether an update would do anything. Throws for one that CloudFormation does not take. */
  differs(input: StackInput): boolean {
    const stack = this.#store.require(input.stackName);
    const { plan } = this.#define(input, stack);
    checkTypes(stack, plan);
    // What failed half way is tried again.
    if (stack.status.endsWith('FAILED')) return true;
    if (input.tags && !isDeepStrictEqual({ ...input.tags }, { ...stack.tags })) return true;
    if (previewChanges(stack, plan).length > 0) return true;
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
    const imported = (name: string): Exported => this.#store.exported(name);
    return defineStack(input, stack, id, { account, region, ssmParameters, imported });
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

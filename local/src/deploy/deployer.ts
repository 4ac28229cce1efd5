import { randomUUID } from 'node:crypto';
import type { CloudEvent, StackStatus } from '../cloud-event';
import { publishAssets } from './assets';
import type { AssemblyStack } from './cloud-assembly';
import { readCloudAssembly, selectStacks } from './cloud-assembly';
import { reversed, runInOrder } from './dependencies';
import { ResourceDriver } from './resource-driver';
import type { ResourceContext } from './resource-type';
import type { Stack } from './stack';
import { asDeployError, DeployError } from './stack';
import { StackChange } from './stack-change';
import { StackPlan } from './stack-plan';

export type DeployerOptions = Pick<ResourceContext, 'services' | 'clock' | 'account' | 'region'> & {
  readonly emit: (event: CloudEvent) => void;
};

/** A stack as it stands. */
export interface DeployedStack {
  readonly stackName: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly { readonly logicalId: string; readonly type: string; readonly physicalId: string }[];
}

/** CloudFormation: deploys the stacks of a cloud assembly, changes them and deletes them. One operation at a time. */
export class Deployer {
  readonly #stacks = new Map<string, Stack>();
  readonly #warned = new Set<string>();
  /** Buckets that hold assets: they belong to the bootstrap of the account, not to a stack. */
  readonly assetBuckets = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: DeployerOptions) {}

  stacks(): string[] {
    return [...this.#stacks.keys()];
  }

  deploy(assemblyDirectory: string, names?: readonly string[]): Promise<DeployedStack[]> {
    return this.#inTurn(async () => {
      const stacks = selectStacks(readCloudAssembly(assemblyDirectory), names);
      stacks.forEach((stack) => this.#checkEnvironment(stack));
      const deployed: DeployedStack[] = [];
      for (const stack of stacks) deployed.push(await this.#deployStack(stack));
      return deployed;
    });
  }

  destroy(stackName: string): Promise<void> {
    return this.#inTurn(() => this.#deleteStack(stackName));
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  #checkEnvironment({ stackName, environment }: AssemblyStack): void {
    const { account, region } = this.options;
    const [, wantedAccount = account, wantedRegion = region] = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(environment) ?? [];
    const fits = (wanted: string, own: string): boolean => wanted === own || wanted.startsWith('unknown-');
    if (fits(wantedAccount, account) && fits(wantedRegion, region)) return;
    const reason = `the stack is for ${environment}, the local cloud is aws://${account}/${region}; start it with that account and region`;
    throw new DeployError(stackName, reason);
  }

  async #deployStack(assembly: AssemblyStack): Promise<DeployedStack> {
    await this.#publishAssets(assembly);
    const existing = this.#stacks.get(assembly.stackName);
    if (existing?.rollbackFailed) {
      throw new DeployError(existing.name, 'its creation failed and could not be rolled back: destroy the stack first');
    }
    const stack = existing ?? this.#newStack(assembly.stackName);
    const tell = this.#stackEvents(stack.name);
    tell(existing ? 'UPDATE_IN_PROGRESS' : 'CREATE_IN_PROGRESS');
    const plan = this.#plan(assembly, stack);
    const change = new StackChange(stack, plan, this.#driver(stack));
    this.#stacks.set(stack.name, stack);
    try {
      await change.apply();
      const { outputs, exports } = this.#checkedOutputs(plan, stack);
      for (const { logicalId, type } of await change.cleanUp()) {
        this.#warn(`stack ${stack.name}: ${logicalId} (${type}) was replaced or removed and could not be deleted`);
      }
      Object.assign(stack, { resources: plan.resources, outputs, exports, imports: plan.imports });
    } catch (error) {
      await this.#rollBack(change, stack, { failure: asDeployError(stack.name, error), isNew: !existing, tell });
    }
    tell(existing ? 'UPDATE_COMPLETE' : 'CREATE_COMPLETE');
    return describe(stack);
  }

  async #publishAssets({ assetManifests }: AssemblyStack): Promise<void> {
    const { services: { buckets }, account, region } = this.options;
    const warn = (message: string): void => this.#warn(message);
    const onBucket = (name: string): void => void this.assetBuckets.add(name);
    for (const manifest of assetManifests) await publishAssets(manifest, { buckets, account, region, warn, onBucket });
  }

  #plan(assembly: AssemblyStack, { id, name }: Stack): StackPlan {
    const { account, region, services: { parameters: ssmParameters } } = this.options;
    const importValue = (exportName: string): string => this.#exported(exportName);
    try {
      const plan = new StackPlan(assembly, { account, region, stackId: id, ssmParameters, importValue });
      for (const type of plan.unknownTypes()) {
        this.#warn(`the local cloud does not know the resource type ${type}; a stand-in with made-up attributes takes its place`);
      }
      return plan;
    } catch (error) {
      throw asDeployError(name, error);
    }
  }

  #checkedOutputs(plan: StackPlan, stack: Stack): ReturnType<StackPlan['outputs']> {
    const result = plan.outputs();
    for (const [name, value] of stack.exports) {
      const user = [...this.#stacks.values()].find(({ imports }) => imports.has(name));
      if (user && result.exports.get(name) !== value) {
        throw new Error(`Export ${name} cannot be updated as it is in use by ${user.name}`);
      }
    }
    for (const name of result.exports.keys()) {
      const owner = [...this.#stacks.values()].find((other) => other !== stack && other.exports.has(name));
      if (owner) throw new Error(`Export with name ${name} is already exported by stack ${owner.name}`);
    }
    return result;
  }

  async #rollBack(
    change: StackChange,
    stack: Stack,
    { failure, isNew, tell }: { failure: DeployError; isNew: boolean; tell: TellStack },
  ): Promise<never> {
    tell('ROLLBACK_IN_PROGRESS', failure.reason);
    const left = await change.rollBack();
    if (left.length === 0) {
      if (isNew) this.#stacks.delete(stack.name);
      tell('ROLLBACK_COMPLETE');
      throw failure;
    }
    if (isNew) {
      // What is left stays the stack's, so that deleting the stack finds it.
      stack.resources = new Map(left.map((resource) => [resource.logicalId, resource]));
      stack.rollbackFailed = true;
    }
    const names = left.map(({ logicalId, type }) => `${logicalId} (${type})`).join(', ');
    tell('ROLLBACK_FAILED', names);
    const { logicalId, resourceType } = failure;
    const reason = `${failure.reason}\nThe rollback failed for ${names}; destroy the stack to try again.`;
    throw new DeployError(stack.name, reason, { logicalId, resourceType, cause: failure });
  }

  async #deleteStack(stackName: string): Promise<void> {
    const stack = this.#stacks.get(stackName);
    if (!stack) throw new DeployError(stackName, `there is no such stack; there are ${this.stacks().join(', ') || 'none'}`);
    const exported = [...stack.exports.keys()];
    const user = [...this.#stacks.values()].find(({ imports }) => exported.some((name) => imports.has(name)));
    if (user) throw new DeployError(stackName, `stack ${user.name} imports from it: destroy that one first`);
    const tell = this.#stackEvents(stackName);
    tell('DELETE_IN_PROGRESS');
    try {
      await this.#deleteResources(stack);
    } catch (error) {
      const failure = asDeployError(stackName, error);
      tell('DELETE_FAILED', failure.reason);
      throw failure;
    }
    this.#stacks.delete(stackName);
    tell('DELETE_COMPLETE');
  }

  /** What could not be deleted stays in the stack. */
  async #deleteResources(stack: Stack): Promise<void> {
    const driver = this.#driver(stack);
    const left = new Map(stack.resources);
    stack.resources = left;
    const dependencies = new Map([...left].map(([logicalId, resource]) => {
      return [logicalId, new Set([...resource.dependencies].filter((other) => left.has(other)))];
    }));
    await runInOrder(reversed(dependencies), async (logicalId) => {
      const resource = left.get(logicalId);
      if (resource?.deletionPolicy.startsWith('Retain')) driver.skipDelete(resource);
      else if (resource) await driver.delete(resource);
      left.delete(logicalId);
    }, { stopEarly: false });
  }

  #newStack(name: string): Stack {
    const id = `arn:aws:cloudformation:${this.options.region}:${this.options.account}:stack/${name}/${randomUUID()}`;
    return { name, id, resources: new Map(), outputs: {}, exports: new Map(), imports: new Set() };
  }

  #driver({ name, id }: Stack): ResourceDriver {
    const warn = (message: string): void => this.#warn(message);
    return new ResourceDriver({ ...this.options, stackName: name, stackId: id, warn });
  }

  #exported(name: string): string {
    for (const { exports } of this.#stacks.values()) {
      const value = exports.get(name);
      if (value !== undefined) return value;
    }
    throw new Error(`No export named ${name} found`);
  }

  #stackEvents(stackName: string): TellStack {
    const began = performance.now();
    return (status, reason) => this.options.emit({
      kind: 'stack',
      stackName,
      status,
      ...(reason !== undefined && { reason }),
      ...(!status.endsWith('IN_PROGRESS') && { durationMs: Math.round(performance.now() - began) }),
    });
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.options.emit({ kind: 'warning', message });
  }
}

type TellStack = (status: StackStatus, reason?: string) => void;

function describe({ name, outputs, resources }: Stack): DeployedStack {
  const described = [...resources.values()].map(({ logicalId, type, physicalId }) => ({ logicalId, type, physicalId }));
  return { stackName: name, outputs, resources: described };
}

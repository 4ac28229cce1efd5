import { setMaxListeners } from 'node:events';
import type { CloudEvent } from '../cloud-event';
import type { Persistent } from '../persistent';
import { publishAssets } from './assets';
import type { AssemblyStack } from './cloud-assembly';
import { readCloudAssembly, selectStacks } from './cloud-assembly';
import type { ResourceContext } from './resource-type';
import type { Stack } from './stack';
import { asDeployError, DeployError, isBusy } from './stack';
import type { StackInput } from './stack-engine';
import type { Begun } from './stacks';
import { Stacks } from './stacks';

export type DeployerOptions = Pick<ResourceContext, 'services' | 'microvms' | 'clock' | 'account' | 'region'> & {
  readonly emit: (event: CloudEvent) => void;
};

/** A stack as it stands. */
export interface DeployedStack {
  readonly stackName: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly { readonly logicalId: string; readonly type: string; readonly physicalId: string }[];
}

/** The door to CloudFormation in this process: deploys the stacks of a cloud assembly, changes them and deletes them. */
export class Deployer implements Persistent {
  readonly #warned = new Set<string>();
  /** Buckets that hold assets: they belong to the bootstrap of the account, not to a stack. */
  readonly assetBuckets = new Set<string>();
  /** What the CloudFormation API works on, too. */
  readonly engine: Stacks;

  readonly #ending = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(private readonly options: DeployerOptions) {
    // A bucket that took the place of the bootstrap's is the bootstrap stack's once there is one.
    const adopts = (bucketName: string): boolean => this.assetBuckets.delete(bucketName);
    const warn = (message: string): void => this.#warn(message);
    // Every custom resource that is waited for listens, of which Node warns from the eleventh on.
    setMaxListeners(0, this.#ending.signal);
    this.engine = new Stacks({ ...options, adopts, warn, ending: this.#ending.signal });
  }

  /** Names of the stacks that hold anything. One whose creation was rolled back is only a record. */
  stacks(): string[] {
    return this.engine.existing().filter(({ status }) => !isEmpty(status)).map(({ name }) => name);
  }

  deploy(assemblyDirectory: string, names?: readonly string[]): Promise<DeployedStack[]> {
    return this.#track(async () => {
      const stacks = selectStacks(readCloudAssembly(assemblyDirectory), names);
      stacks.forEach((stack) => this.#checkEnvironment(stack));
      const deployed: DeployedStack[] = [];
      for (const stack of stacks) deployed.push(await this.#deployStack(stack));
      return deployed;
    });
  }

  destroy(stackName: string): Promise<void> {
    return this.#track(() => this.#destroy(stackName));
  }

  /** Breaks everything off where it is, without a rollback; nothing is under way any more when this resolves. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the local cloud is stopped'));
    await this.engine.idle();
    await Promise.allSettled(this.#underWay);
  }

  save(): unknown {
    return { assetBuckets: [...this.assetBuckets], engine: this.engine.save() };
  }

  restore(state: unknown): void {
    const { assetBuckets, engine } = state as { readonly assetBuckets: readonly string[]; readonly engine: unknown };
    for (const name of assetBuckets) this.assetBuckets.add(name);
    this.engine.restore(engine);
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
    const { stackName } = assembly;
    await this.#publishAssets(assembly);
    await this.engine.settled(stackName);
    const status = this.#existing(stackName)?.status;
    // As `cdk deploy` does: what never was complete makes room.
    if (status === 'ROLLBACK_COMPLETE' || status === 'ROLLBACK_FAILED') await this.#destroy(stackName);
    const { templateBody, parameters, tags } = assembly;
    const input = { stackName, templateBody, parameters, tags };
    return describe(await this.#finish(stackName, (existing) => this.#bring(input, existing)));
  }

  #bring(input: StackInput, existing: Stack | undefined): Begun {
    if (!existing || existing.status === 'REVIEW_IN_PROGRESS') return this.engine.beginCreation(input);
    return this.engine.differs(input) ? this.engine.beginUpdate(input) : { stack: existing, done: Promise.resolve() };
  }

  async #destroy(stackName: string): Promise<void> {
    await this.#finish(stackName, (existing) => {
      if (existing) return this.engine.beginDeletion(existing.id);
      throw new DeployError(stackName, `there is no such stack; there are ${this.stacks().join(', ') || 'none'}`);
    });
  }

  /** Waits until nothing is under way on the stack. Between that and `begin` nobody else can begin anything. */
  async #finish(stackName: string, begin: (existing: Stack | undefined) => Begun): Promise<Stack> {
    let existing = this.#existing(stackName);
    while (existing && isBusy(existing)) {
      await this.engine.settled(existing.id);
      existing = this.#existing(stackName);
    }
    try {
      const { stack, done } = begin(existing);
      await done;
      return stack;
    } catch (error) {
      throw asDeployError(stackName, error);
    }
  }

  async #publishAssets({ assetManifests }: AssemblyStack): Promise<void> {
    const { services: { buckets }, account, region } = this.options;
    const warn = (message: string): void => this.#warn(message);
    const onBucket = (name: string): void => void this.assetBuckets.add(name);
    const publishing = { buckets, account, region, warn, onBucket, ending: this.#ending.signal };
    for (const manifest of assetManifests) await publishAssets(manifest, publishing);
  }

  async #track<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = work();
    this.#underWay.add(running);
    return running.finally(() => this.#underWay.delete(running));
  }

  #existing(stackName: string): Stack | undefined {
    return this.engine.existing().find(({ name }) => name === stackName);
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.options.emit({ kind: 'warning', message });
  }
}

function isEmpty(status: Stack['status']): boolean {
  return status === 'ROLLBACK_COMPLETE' || status === 'REVIEW_IN_PROGRESS';
}

function describe({ name, outputs, resources }: Stack): DeployedStack {
  const described = [...resources.values()].map(({ logicalId, type, physicalId }) => ({ logicalId, type, physicalId }));
  const values = Object.fromEntries(outputs.map(({ key, value }) => [key, value]));
  return { stackName: name, outputs: values, resources: described };
}

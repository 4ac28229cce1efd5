import { join } from 'node:path';
import { LOCAL_ENDPOINT_VARIABLE } from 'microvm-sandbox/protocol';
import { LocalClock } from './clock';
import type { CloudEvent } from './cloud-event';
import type { DeployedStack } from './deploy/deployer';
import { Deployer } from './deploy/deployer';
import { Faults } from './faults/faults';
import { Gateway } from './gateway';
import type { DeniedEvent } from './iam/authorization';
import { iamGuards } from './iam/guards';
import type { Inventory } from './inventory';
import { takeInventory } from './inventory';
import { listenOn } from './listen-on';
import type { LocalCloudOptions } from './local-cloud-options';
import type { BaseImages, Isolation, ServiceBehaviour } from './microvms';
import { MicrovmService } from './microvms';
import type { ContainerEngine } from './microvms/container/container-engine';
import { removeLeftovers } from './microvms/container/leftovers';
import { poolsOf } from './pools';
import { CloudFormationService } from './services/cloudformation/cloudformation-service';
import { HotswapRefusal } from './services/cloudformation/hotswap-refusal';
import { Services } from './services/services';
import type { CloudFolder } from './state/cloud-folder';
import { FileDisposal } from './state/file-disposal';
import type { StateFile } from './state/state-file';
import { StateKeeper } from './state/state-keeper';

/** Every option decided, and the folder for all files. */
interface StartedOptions extends Pick<LocalCloudOptions, 'authorize' | 'runSteps' | 'bandwidth' | 'spares'> {
  readonly isolation: Isolation;
  readonly engine?: ContainerEngine;
  readonly onEvent: (event: CloudEvent) => void;
  readonly folder: CloudFolder;
  readonly microvms: ServiceBehaviour;
}

export interface InvokeResult {
  /** What the handler answered, or the error as Lambda describes it. */
  readonly payload: unknown;
  /** Set if the handler failed. */
  readonly functionError?: string;
  /** The lines that this invocation wrote. */
  readonly logs: readonly string[];
}

/** The bootstrap version that the synthesized templates of this CDK ask for at least. */
const BOOTSTRAP_PARAMETER = '/cdk-bootstrap/hnb659fds/version';
const BOOTSTRAP_VERSION = '30';

/** A running local cloud. For development and tests: its isolation is not the platform's. */
export class LocalCloud implements AsyncDisposable {
  readonly clock = new LocalClock();
  readonly faults: Faults;
  readonly isolation: Isolation;
  readonly microvms: MicrovmService;
  readonly #services: Services;
  readonly #gateway: Gateway;
  readonly #deployer: Deployer;
  readonly #cloudFormation: CloudFormationService;
  readonly #state?: StateKeeper;
  /** Break off the deployments that are under way. */
  readonly #breakOffs = new Set<() => void>();
  #port = 0;
  #stopped?: Promise<void>;

  /** @internal Use `startLocalCloud`. */
  constructor(private readonly options: StartedOptions) {
    const { isolation, folder: { place, stateFile } } = options;
    const { clock } = this;
    const disposal = new FileDisposal(stateFile !== undefined);
    this.isolation = isolation;
    this.faults = this.#makeFaults();
    this.#services = this.#makeServices(disposal);
    this.microvms = this.#makeMicrovms(disposal);
    this.#deployer = new Deployer({
      ...place, services: this.#services, microvms: this.microvms, clock, emit: (event) => this.#emit(event),
    });
    this.#cloudFormation = new CloudFormationService({
      ...place, engine: this.#deployer.engine, objects: this.#services.buckets, clock,
    });
    this.#state = stateFile && this.#makeStateKeeper(stateFile, disposal);
    clock.whenFired(() => this.#state?.touch());
    const guards = iamGuards({ ...place, clock, services: this.#services, microvms: this.microvms });
    const state = this.#state ? [this.#state] : [];
    this.#gateway = new Gateway(clock, [...guards, ...state, new HotswapRefusal(), this.faults]);
  }

  /** Base URL of every service and of the microVM endpoints. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What a process needs in its environment to use this cloud through the AWS SDK and the client. Holds credentials of this cloud. */
  get environment(): Record<string, string> {
    const { accessKeyId, secretAccessKey } = this.#services.iam.user;
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: this.options.folder.place.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      [LOCAL_ENDPOINT_VARIABLE]: this.endpoint,
    };
  }

  /** The versions of the base image that the service offers: a test publishes another one, or takes one out of use. */
  get baseImages(): BaseImages {
    return this.microvms.baseImages;
  }

  /** @internal Where all its files are. */
  get folder(): string {
    return this.options.folder.path;
  }

  /** What `SANDBOX_POOL` says for each deployed pool: the ARN of its allocator. */
  pools(): string[] {
    return poolsOf(this.#services.lambda);
  }

  /** @internal */
  async start(port?: number): Promise<void> {
    const { saved } = this.options.folder;
    if (saved) await this.#state?.restore(saved);
    this.#services.parameters.preset(BOOTSTRAP_PARAMETER, BOOTSTRAP_VERSION);
    const { byName, responses } = this.#services;
    const services = { ...byName, cloudformation: this.#cloudFormation };
    this.#gateway.mount({ microvms: this.microvms, services, responses, responseHost: responses.host });
    this.#port = await listenOn(this.#gateway, port, saved?.port);
    this.#state?.open();
  }

  /**
   * Deploys the stacks of a folder that `cdk synth` wrote: all, or those named and what they depend on. Creates what is not there and
   * changes what is. Throws a `DeployError` with the resource that failed and its reason, after everything was rolled back.
   */
  deploy(assemblyDirectory: string, options: { readonly stacks?: readonly string[] } = {}): Promise<DeployedStack[]> {
    return this.#untilStopped('deploy', () => this.#deployer.deploy(assemblyDirectory, options.stacks));
  }

  /** Deletes a stack and its resources, except those that are to be retained. */
  destroy(stackName: string): Promise<void> {
    return this.#untilStopped('destroy', () => this.#deployer.destroy(stackName));
  }

  /** Runs a function and waits for its answer. */
  async invoke(functionNameOrArn: string, payload: unknown): Promise<InvokeResult> {
    const result = await this.#services.lambda.invoke(functionNameOrArn, JSON.stringify(payload ?? {}));
    return { ...result, payload: JSON.parse(result.payload) };
  }

  /** The newest messages of a log group, oldest first. Empty if there is no such group. */
  logs(group: string): string[] {
    return this.#services.logs.messages(group);
  }

  /** What `authorize` did not allow: the newest 1000, oldest first. */
  get denials(): readonly DeniedEvent[] {
    return this.#services.iam.access.denials;
  }

  /** Everything that exists, by service. Buckets of assets and log groups that a function only wrote to are left out. */
  inventory(): Inventory {
    return takeInventory(this.#services, this.#deployer, this.microvms.list());
  }

  /** Ends every microVM, every function and the services, and removes their files unless state is kept. Breaks a deployment off. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    for (const breakOff of this.#breakOffs) breakOff();
    // What ends with the cloud is no change; a deployment that breaks off is found by the next start as far as it came.
    await this.#deployer.close();
    await this.#state?.close();
    const steps = [
      () => this.microvms.close(),
      () => this.#services.stop(),
      () => this.#gateway.close(),
      () => this.clock.stop(),
      () => this.options.folder.close(),
      () => this.options.engine && removeLeftovers(this.options.engine),
    ];
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        // The other steps must still end what they can.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #untilStopped<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#stopped) throw new Error(`${name}: the local cloud is stopped; start another`);
    return new Promise((resolve, reject) => {
      const breakOff = (): void => reject(new Error(`${name}: the local cloud was stopped while this was under way`));
      this.#breakOffs.add(breakOff);
      work().then(resolve, reject).finally(() => this.#breakOffs.delete(breakOff));
    });
  }

  #emit(event: CloudEvent): void {
    this.#state?.touch();
    this.options.onEvent(event);
  }

  #warn(message: string): void {
    this.#emit({ kind: 'warning', message });
  }

  #makeFaults(): Faults {
    return new Faults({
      clock: this.clock,
      account: this.options.folder.place.account,
      killMicrovm: (microvmId, exitCode) => this.microvms.kill(microvmId, exitCode),
      callDynamoDb: (operation, input) => this.#services.dynamodb.call(operation, input),
    });
  }

  #makeServices(disposal: FileDisposal): Services {
    const { authorize, folder: { place, path: folder }, microvms: { timeScale } } = this.options;
    return new Services({
      ...place,
      clock: this.clock,
      folder,
      disposal,
      authorize,
      timeScale,
      gatewayPort: () => this.#port,
      cloudEnvironment: () => ({ AWS_ENDPOINT_URL: this.endpoint, [LOCAL_ENDPOINT_VARIABLE]: this.endpoint }),
      onLog: (logGroup, message) => this.#emit({ kind: 'log', logGroup, message }),
      onDenied: (event) => this.#emit(event),
    });
  }

  #makeMicrovms(disposal: FileDisposal): MicrovmService {
    const { folder: { place, path, stateFile }, microvms, ...options } = this.options;
    const { isolation, engine, runSteps, bandwidth, spares } = options;
    const { buckets: objects, logs, iam: roles, connectors } = this.#services;
    const { clock, faults } = this;
    return new MicrovmService({
      ...microvms,
      ...place,
      ...{ clock, objects, logs, roles, isolation, engine, runSteps, faults, bandwidth, spares, disposal, connectors },
      folder: join(path, 'microvms'),
      keepImages: stateFile !== undefined,
      onChange: () => this.#state?.touch(),
      onWarning: (message) => this.#warn(message),
    });
  }

  #makeStateKeeper(file: StateFile, disposal: FileDisposal): StateKeeper {
    const { clock, microvms, baseImages } = this;
    // In the order of restoring.
    const stacks = { stacks: this.#deployer, changeSets: this.#cloudFormation };
    const parts = { clock, ...this.#services.persistent, ...stacks, baseImages, microvms };
    const place = () => ({ ...this.options.folder.place, port: this.#port });
    return new StateKeeper({ file, disposal, parts, place, onWarning: (message) => this.#warn(message) });
  }
}

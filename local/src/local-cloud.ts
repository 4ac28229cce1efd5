import { join } from 'node:path';
import { LOCAL_ENDPOINT_VARIABLE } from 'microvm-sandbox/protocol';
import { LocalClock } from './clock';
import type { CloudEvent } from './cloud-event';
import type { DeployedStack } from './deploy/deployer';
import { Deployer } from './deploy/deployer';
import { Faults } from './faults';
import { Gateway } from './gateway';
import type { Authorize, DeniedEvent } from './iam/authorization';
import { iamGuards } from './iam/guards';
import type { Inventory } from './inventory';
import { takeInventory } from './inventory';
import type { Isolation, ServiceBehaviour } from './microvms';
import { MicrovmService } from './microvms';
import type { ContainerEngine } from './microvms/container/container-engine';
import { removeLeftovers } from './microvms/container/leftovers';
import type { Persistent } from './persistent';
import { CloudFormationService } from './services/cloudformation/cloudformation-service';
import { HotswapRefusal } from './services/cloudformation/hotswap-refusal';
import { Services } from './services/services';
import type { CloudFolder } from './state/cloud-folder';
import { FileDisposal } from './state/file-disposal';
import { StateKeeper } from './state/state-keeper';

/** Every option decided, and the folder for all files. */
interface StartedOptions {
  readonly region: string;
  readonly account: string;
  readonly isolation: Isolation;
  readonly runSteps?: boolean;
  readonly engine?: ContainerEngine;
  readonly onEvent: (event: CloudEvent) => void;
  readonly folder: CloudFolder;
  readonly authorize?: Authorize;
  readonly bandwidth?: boolean;
  readonly spares?: number;
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

/** How the constructs describe a pool's allocator, and the variable that only it and the pool's keeper have. */
const ALLOCATOR = 'allocator: ';
const POOL_CONFIGURATION_VARIABLE = 'POOL_CONFIGURATION';

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
  readonly #ending = new AbortController();
  #port = 0;
  #stopped?: Promise<void>;

  /** @internal Use `startLocalCloud`. */
  constructor(private readonly options: StartedOptions) {
    const { region, account, isolation, engine, runSteps, folder: { path: folder, stateFile } } = options;
    const { clock } = this;
    const onEvent = (event: CloudEvent): void => {
      this.#state?.touch();
      options.onEvent(event);
    };
    const disposal = new FileDisposal(stateFile !== undefined);
    this.isolation = isolation;
    this.faults = new Faults({
      clock,
      account,
      killMicrovm: (microvmId, exitCode) => this.microvms.kill(microvmId, exitCode),
      callDynamoDb: (operation, input) => this.#services.dynamodb.call(operation, input),
    });
    this.#services = new Services({
      account,
      region,
      clock,
      folder,
      disposal,
      gatewayPort: () => this.#port,
      cloudEnvironment: () => ({ AWS_ENDPOINT_URL: this.endpoint, [LOCAL_ENDPOINT_VARIABLE]: this.endpoint }),
      onLog: (logGroup, message) => onEvent({ kind: 'log', logGroup, message }),
      authorize: options.authorize,
      onDenied: onEvent,
    });
    const { buckets: objects, logs, iam: roles } = this.#services;
    const onWarning = (message: string): void => onEvent({ kind: 'warning', message });
    this.microvms = new MicrovmService({
      ...options.microvms,
      keepImages: stateFile !== undefined,
      disposal,
      onChange: () => this.#state?.touch(),
      account,
      region,
      clock,
      objects,
      logs,
      roles,
      folder: join(folder, 'microvms'),
      isolation,
      engine,
      runSteps,
      onWarning,
      faults: this.faults,
      bandwidth: options.bandwidth,
      spares: options.spares,
    });
    this.#deployer = new Deployer({ services: this.#services, clock, account, region, emit: onEvent });
    const place = { account, region };
    this.#cloudFormation = new CloudFormationService({ engine: this.#deployer.engine, objects, clock, ...place });
    if (stateFile) {
      const origin = () => ({ ...place, port: this.#port });
      const parts = this.#persistent();
      this.#state = new StateKeeper({ file: stateFile, disposal, parts, place: origin, onWarning });
      clock.whenFired(() => this.#state?.touch());
    }
    const guards = iamGuards({ account, region, clock, services: this.#services, microvms: this.microvms });
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
      AWS_REGION: this.options.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      [LOCAL_ENDPOINT_VARIABLE]: this.endpoint,
    };
  }

  /** @internal Where all its files are. */
  get folder(): string {
    return this.options.folder.path;
  }

  /** What `SANDBOX_POOL` says for each deployed pool: the ARN of its allocator. */
  pools(): string[] {
    return this.#services.lambda.functions().filter((name) => {
      const { description, environment } = this.#services.lambda.definition(name);
      return description.startsWith(ALLOCATOR) && environment[POOL_CONFIGURATION_VARIABLE] !== undefined;
    }).map((name) => this.#services.lambda.arn(name));
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
    this.#ending.abort();
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
      const { signal } = this.#ending;
      signal.addEventListener('abort', breakOff);
      work().then(resolve, reject).finally(() => signal.removeEventListener('abort', breakOff));
    });
  }

  /** In the order of restoring. */
  #persistent(): Record<string, Persistent> {
    const { clock, microvms } = this;
    return { clock, ...this.#services.persistent, stacks: this.#deployer, changeSets: this.#cloudFormation, microvms };
  }
}

/** A port that was asked for must be free; the one of an earlier run is only preferred. */
async function listenOn(gateway: Gateway, wanted: number | undefined, earlier: number | undefined): Promise<number> {
  try {
    return await gateway.listen(wanted ?? earlier ?? 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (wanted === undefined) return gateway.listen(0);
    throw new Error(`startLocalCloud: port ${wanted} is in use (EADDRINUSE); give another, or none for a free one`, { cause: error });
  }
}

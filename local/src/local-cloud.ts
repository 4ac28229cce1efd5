import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_ENDPOINT_VARIABLE } from 'microvm-sandbox/protocol';
import { LocalClock } from './clock';
import type { CloudEvent } from './cloud-event';
import type { DeployedStack } from './deploy/deployer';
import { Deployer } from './deploy/deployer';
import { Faults } from './faults';
import { Gateway } from './gateway';
import type { Inventory } from './inventory';
import { takeInventory } from './inventory';
import { chooseIsolation, ISOLATION_VARIABLE } from './isolation';
import type { Isolation } from './microvms';
import { detectIsolation, MicrovmService } from './microvms';
import { Services } from './services/services';

export interface LocalCloudOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: `us-east-1`. */
  readonly region?: string;
  /** Twelve digits. Default: `000000000000`. */
  readonly account?: string;
  /**
   * How microVMs are kept apart from each other and from this machine. Default: `auto`, namespaces where the machine has them, or what
   * the environment variable MICROVM_LOCAL_ISOLATION says.
   */
  readonly isolation?: 'auto' | Isolation;
  /** Told what happens, as it happens. */
  readonly onEvent?: (event: CloudEvent) => void;
}

/** Every option decided, and the folder for all files. */
interface StartedOptions {
  readonly region: string;
  readonly account: string;
  readonly isolation: Isolation;
  readonly onEvent: (event: CloudEvent) => void;
  readonly folder: string;
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

/** Starts a cloud on loopback: AWS's services as far as this project's apps use them, and the MicroVMs. End it with `stop()`. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const { port = 0, region = 'us-east-1', account = '000000000000', onEvent = () => undefined } = options;
  if (!/^\d{12}$/.test(account)) throw new RangeError(`startLocalCloud: account "${account}" is not twelve digits`);
  if (!/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region)) throw new RangeError(`startLocalCloud: region "${region}" is not a Region's name, as in us-east-1`);
  const { isolation, reason } = await chooseIsolation(options.isolation ?? 'auto', process.env[ISOLATION_VARIABLE], detectIsolation);
  if (reason) onEvent({ kind: 'warning', message: `microVMs run as plain processes, not kept apart from this machine: ${reason}` });
  const folder = await mkdtemp(join(tmpdir(), 'microvm-local-'));
  const cloud = new LocalCloud({ region, account, isolation, onEvent, folder });
  try {
    await cloud.start(port);
    return cloud;
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

/** A running local cloud. For development and tests: it keeps nothing over a restart, and its isolation is not the platform's. */
export class LocalCloud implements AsyncDisposable {
  readonly clock = new LocalClock();
  readonly faults = new Faults();
  readonly isolation: Isolation;
  readonly microvms: MicrovmService;
  readonly #services: Services;
  readonly #gateway: Gateway;
  readonly #deployer: Deployer;
  #port = 0;
  #stopped?: Promise<void>;

  /** @internal Use `startLocalCloud`. */
  constructor(private readonly options: StartedOptions) {
    const { region, account, isolation, onEvent, folder } = options;
    const { clock } = this;
    this.isolation = isolation;
    this.#services = new Services({
      account,
      region,
      clock,
      folder,
      gatewayPort: () => this.#port,
      cloudEnvironment: () => ({ AWS_ENDPOINT_URL: this.endpoint, [LOCAL_ENDPOINT_VARIABLE]: this.endpoint }),
      onLog: (logGroup, message) => onEvent({ kind: 'log', logGroup, message }),
    });
    const { buckets: objects, logs, iam: roles } = this.#services;
    const onWarning = (message: string): void => onEvent({ kind: 'warning', message });
    this.microvms = new MicrovmService({ account, region, clock, objects, logs, roles, folder: join(folder, 'microvms'), isolation, onWarning });
    this.#gateway = new Gateway(clock, [this.faults]);
    this.#deployer = new Deployer({ services: this.#services, clock, account, region, emit: onEvent });
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

  /** @internal */
  async start(port: number): Promise<void> {
    await this.#services.start();
    this.#services.parameters.set(BOOTSTRAP_PARAMETER, BOOTSTRAP_VERSION);
    const { byName: services, responses } = this.#services;
    this.#gateway.mount({ microvms: this.microvms, services, responses, responseHost: responses.host });
    this.#port = await this.#gateway.listen(port);
  }

  /**
   * Deploys the stacks of a folder that `cdk synth` wrote: all, or those named and what they depend on. Creates what is not there and
   * changes what is. Throws a `DeployError` with the resource that failed and its reason, after everything was rolled back.
   */
  deploy(assemblyDirectory: string, options: { readonly stacks?: readonly string[] } = {}): Promise<DeployedStack[]> {
    return this.#deployer.deploy(assemblyDirectory, options.stacks);
  }

  /** Deletes a stack and its resources, except those that are to be retained. */
  destroy(stackName: string): Promise<void> {
    return this.#deployer.destroy(stackName);
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

  /** Everything that exists, by service. Buckets of assets and log groups that a function only wrote to are left out. */
  inventory(): Inventory {
    return takeInventory(this.#services, this.#deployer, this.microvms.list());
  }

  /** Ends every microVM, every function and the services, and removes their files. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await this.microvms.close();
    await this.#services.stop();
    await this.#gateway.close();
    this.clock.stop();
    await rm(this.options.folder, { recursive: true, force: true });
  }
}

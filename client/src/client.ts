import { randomUUID } from 'node:crypto';
import { LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { Allocator, type LambdaInvoker } from './allocator';
import { type Clock, systemClock } from './clock';
import { Deadline, type RequestOptions } from './deadline';
import { parseLocalEndpoint } from './endpoint-address';
import { InvalidArgumentError } from './errors';
import { Connections } from './exchange';
import { findPool } from './pool-address';
import { type ConnectedSandbox, type CreateRequest, type Launch, LOCAL_ENDPOINT_VARIABLE, POOL_VARIABLE } from './protocol';
import { killSandbox, Sandbox } from './sandbox';
import { sandboxInfo } from './sandbox-info';
import { type ListOptions, SandboxList } from './sandbox-list';

export interface SandboxClientOptions {
  /**
   * ARN of the pool's allocator function, or its name.
   *
   * @default - the environment variable `SANDBOX_POOL`
   */
  readonly pool?: string;
  /**
   * AWS Region of the pool.
   *
   * @default - the ARN's; for a name, `AWS_REGION`
   */
  readonly region?: string;
  /** @default - the SDK's usual search */
  readonly credentials?: LambdaClientConfig['credentials'];
  /**
   * Base URL of a local cloud, plain http on a loopback address. Requests to sandboxes go there instead of the platform.
   *
   * @default - the environment variable `MICROVM_SANDBOX_LOCAL_ENDPOINT`; else the platform
   */
  readonly localEndpoint?: string;
  /**
   * Invokes the allocator.
   *
   * @default - a `LambdaClient` of `region` with `credentials`
   */
  readonly lambda?: LambdaInvoker;
}

export interface CreateOptions extends RequestOptions {
  /**
   * Lease in milliseconds, 60 000 to 28 800 000: when it ends the sandbox is killed.
   *
   * @default - the pool's
   */
  readonly timeoutMs?: number;
  /** Pairs to find it by; at most 20, key 1–128 and value 0–1024 characters. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Makes your own retry of this call safe for 24 hours: the same key with the same options gives the same sandbox.
   *
   * @default - a new one; the retries inside the call are safe anyway
   */
  readonly idempotencyKey?: string;
}

export interface GetOrCreateOptions extends Omit<CreateOptions, 'idempotencyKey'> {
  /** Your own name for the sandbox, 1–256 characters. While one with this key lives it is the answer. */
  readonly key: string;
}

const GIVE_UP_MS = 10_000;

/** What becomes of a sandbox that `create` was answered. */
interface Fate {
  /** Whether disposing of the handle kills it. */
  readonly owned: (launch: Launch) => boolean;
  /** Whether to kill it if it cannot be reached. */
  readonly kill: boolean;
}

/** Gives out the sandboxes of one pool. Needs the right to invoke the pool's allocator, nothing else. */
export class SandboxClient implements AsyncDisposable {
  /** @internal What of the environment decides about a client without options. */
  static environment(): string {
    const names = [POOL_VARIABLE, LOCAL_ENDPOINT_VARIABLE, 'AWS_REGION', 'AWS_DEFAULT_REGION'];
    return JSON.stringify(names.map((name) => process.env[name]));
  }

  readonly #allocator: Allocator;
  readonly #connections = new Connections();
  readonly #region: string;
  readonly #localEndpoint?: URL;
  readonly #ownLambda?: LambdaClient;
  readonly #clock: Clock;

  constructor(options?: SandboxClientOptions);
  /** @internal */
  constructor(options: SandboxClientOptions, clock: Clock);
  constructor(options: SandboxClientOptions = {}, clock: Clock = systemClock) {
    const { functionName, region } = findPool(options, process.env);
    const localEndpoint = options.localEndpoint ?? process.env[LOCAL_ENDPOINT_VARIABLE];
    this.#region = region;
    this.#localEndpoint = localEndpoint ? parseLocalEndpoint(localEndpoint) : undefined;
    this.#clock = clock;
    if (options.lambda) {
      this.#allocator = new Allocator(options.lambda, functionName);
    } else {
      // Retries are the allocator's here, which knows what may be repeated and for how long.
      this.#ownLambda = new LambdaClient({ region, credentials: options.credentials, maxAttempts: 1 });
      this.#allocator = new Allocator(this.#ownLambda, functionName);
    }
  }

  /**
   * Creates a sandbox and waits until it answers; with an image without our runtime, until it was started. On failure
   * nothing is left behind, unless you passed an `idempotencyKey` to come back with. If the pool had not answered when the time
   * was over or `signal` fired, a sandbox may still start; its lease ends it.
   */
  async create(options: CreateOptions = {}): Promise<Sandbox> {
    const { timeoutMs, metadata, idempotencyKey = randomUUID() } = options;
    const request: CreateRequest = { operation: 'create', timeoutMs, metadata, idempotencyKey };
    return this.#create(request, options, { owned: () => true, kill: options.idempotencyKey === undefined });
  }

  /** Answers the living sandbox with this key, resumed if it was paused, or creates one. */
  async getOrCreate(options: GetOrCreateOptions): Promise<Sandbox> {
    const { key, timeoutMs, metadata } = options;
    if (!key) throw new InvalidArgumentError(`key: ${JSON.stringify(key)} is not a name; pass 1 to 256 characters, or use create`);
    const request: CreateRequest = { operation: 'create', timeoutMs, metadata, key };
    // A found sandbox is `existing`, or `resumed` if it slept: somebody else may be using it.
    return this.#create(request, options, { owned: ({ kind }) => kind === 'ready' || kind === 'cold', kill: false });
  }

  /** Attaches to a sandbox, resumes it if it was paused, and waits until it answers. */
  async connect(sandboxId: string, options: RequestOptions = {}): Promise<Sandbox> {
    checkSandboxId(sandboxId);
    const deadline = this.#deadline(`connecting to ${sandboxId}`, options, sandboxId);
    const startedAt = this.#clock.now();
    const connected = await this.#allocator.call<'connect'>({ operation: 'connect', sandboxId }, deadline);
    const sandbox = this.#sandbox(connected, false, startedAt);
    await sandbox.untilReachable(deadline);
    return sandbox;
  }

  /** Lists sandboxes: `await` for one page, `for await` for all. Wakes none. */
  list(options: ListOptions = {}): SandboxList {
    const { metadata, states, limit } = options;
    return new SandboxList(async (cursor) => {
      const request = { operation: 'list', metadata, states, limit, cursor } as const;
      const page = await this.#allocator.call<'list'>(request, this.#deadline('list', options));
      return { sandboxes: page.sandboxes.map(sandboxInfo), ...(page.cursor !== undefined && { cursor: page.cursor }) };
    }, options.cursor);
  }

  /** Ends a sandbox for good. False if there was nothing left to end. */
  async kill(sandboxId: string, options: RequestOptions = {}): Promise<boolean> {
    checkSandboxId(sandboxId);
    return killSandbox(this.#allocator, sandboxId, this.#deadline(`kill of ${sandboxId}`, options, sandboxId));
  }

  /** Closes idle connections. Sandboxes live on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#connections.close();
    this.#ownLambda?.destroy();
  }

  async #create(request: CreateRequest, options: RequestOptions, fate: Fate): Promise<Sandbox> {
    const { requestTimeoutMs, signal } = options;
    const deadline = new Deadline({ clock: this.#clock, what: 'create', scope: 'acquire', requestTimeoutMs, signal });
    const startedAt = this.#clock.now();
    const connected = await this.#allocator.call<'create'>(request, deadline);
    try {
      const sandbox = this.#sandbox(connected, fate.owned(connected.launch), startedAt);
      await sandbox.untilReachable(deadline);
      return sandbox;
    } catch (error) {
      if (fate.kill) await this.kill(connected.sandbox.sandboxId, { requestTimeoutMs: GIVE_UP_MS }).catch(() => {});
      throw error;
    }
  }

  #sandbox(connected: ConnectedSandbox, owned: boolean, startedAt: number): Sandbox {
    const timings = { ...connected.launch.timings, allocatorCall: this.#clock.now() - startedAt };
    return new Sandbox({
      connected: { ...connected, launch: { ...connected.launch, timings } },
      owned,
      allocator: this.#allocator,
      connections: this.#connections,
      region: this.#region,
      localEndpoint: this.#localEndpoint,
      clock: this.#clock,
    });
  }

  #deadline(what: string, { requestTimeoutMs, signal }: RequestOptions, sandboxId?: string): Deadline {
    return new Deadline({ clock: this.#clock, what, requestTimeoutMs, signal, sandboxId });
  }
}

function checkSandboxId(sandboxId: string): void {
  if (typeof sandboxId === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(sandboxId)) return;
  throw new InvalidArgumentError(`sandboxId: ${JSON.stringify(sandboxId)} is not the id of a sandbox, like sbx-…`);
}

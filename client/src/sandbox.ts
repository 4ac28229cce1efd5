import { inspect } from 'node:util';
import type { Allocator } from './allocator';
import { type CreateOptions, type GetOrCreateOptions, SandboxClient } from './client';
import type { Clock } from './clock';
import { Commands } from './commands';
import { Daemon } from './daemon';
import { Deadline, type RequestOptions } from './deadline';
import { Endpoint, type EndpointAllocator } from './endpoint';
import { AsleepError } from './endpoint-request';
import {
  InvalidArgumentError, SandboxError, SandboxNotFoundError, SandboxTerminatedError, UnsupportedError,
} from './errors';
import type { Connections } from './exchange';
import { Files } from './files';
import { checkPort, fetchPort, type FetchInit } from './port-fetch';
import { type ConnectedSandbox, type Launch, MAX_LEASE_MS, MIN_LEASE_MS, type SandboxInfo as WireSandboxInfo } from './protocol';
import type { ListOptions, SandboxList } from './sandbox-list';

/** How to reach a program in a sandbox without this client. */
export interface PortEndpoint {
  readonly url: string;
  /** Send all of them with each request. They are a secret: they open the port until `expiresAt`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
}

export interface WaitForPortOptions {
  /** @default 60000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** @internal */
export interface SandboxParts {
  readonly connected: ConnectedSandbox;
  /** Whether to kill the sandbox when the handle is disposed of. */
  readonly owned: boolean;
  readonly allocator: Allocator;
  readonly connections: Connections;
  readonly region: string;
  readonly localEndpoint?: URL;
  readonly clock: Clock;
}

/** A cold microVM takes a few seconds to come up: until then nothing is wrong. */
const START_PATIENCE_MS = 4000;

/** One sandbox: runs commands, moves files, talks to its ports. */
export class Sandbox implements AsyncDisposable {
  /** Like `new SandboxClient().create(options)`. */
  static async create(options?: CreateOptions): Promise<Sandbox> {
    return environmentClient().create(options);
  }

  /** Like `new SandboxClient().getOrCreate(options)`. */
  static async getOrCreate(options: GetOrCreateOptions): Promise<Sandbox> {
    return environmentClient().getOrCreate(options);
  }

  /** Like `new SandboxClient().connect(sandboxId, options)`. */
  static async connect(sandboxId: string, options?: RequestOptions): Promise<Sandbox> {
    return environmentClient().connect(sandboxId, options);
  }

  /** Like `new SandboxClient().list(options)`. */
  static list(options?: ListOptions): SandboxList {
    return environmentClient().list(options);
  }

  /** Like `new SandboxClient().kill(sandboxId, options)`. */
  static async kill(sandboxId: string, options?: RequestOptions): Promise<boolean> {
    return environmentClient().kill(sandboxId, options);
  }

  readonly sandboxId: string;
  /** Runs programs. */
  readonly commands: Commands;
  /** Reads and writes files. */
  readonly files: Files;
  readonly #parts: SandboxParts;
  readonly #endpoint: Endpoint;
  readonly #daemon: Daemon;
  readonly #timings: Record<string, number>;
  #info: WireSandboxInfo;

  /** @internal */
  constructor(parts: SandboxParts) {
    const { connected, allocator, connections, region, localEndpoint, clock } = parts;
    const { sandboxId } = connected.sandbox;
    this.sandboxId = sandboxId;
    this.#parts = parts;
    this.#info = connected.sandbox;
    this.#timings = { ...connected.launch.timings };
    const forEndpoint: EndpointAllocator = {
      connect: async (deadline) => {
        const answer = await allocator.call<'connect'>({ operation: 'connect', sandboxId }, deadline);
        this.#info = answer.sandbox;
        return answer;
      },
      token: async (ports, deadline) => (await allocator.call<'token'>({ operation: 'token', sandboxId, ports }, deadline)).connection,
    };
    this.#endpoint = new Endpoint({ connected, region, localEndpoint, connections, allocator: forEndpoint, clock });
    this.#daemon = new Daemon(this.#endpoint);
    this.commands = new Commands(this.#daemon);
    this.files = new Files(this.#daemon);
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#info.metadata;
  }

  /** When the lease ends and the sandbox is killed, as far as this handle knows. */
  get expiresAt(): Date {
    return new Date(this.#info.expiresAt);
  }

  /** When the platform ends the microVM, whatever the lease says: 8 hours after its start. */
  get hardExpiresAt(): Date {
    return new Date(this.#info.hardExpiresAt);
  }

  /** How this handle came about: what the pool had to do for it, and milliseconds by step. */
  get launch(): Launch {
    return { kind: this.#parts.connected.launch.kind, timings: this.#timings };
  }

  /** Makes the lease end `timeoutMs` from now (60 000 to 28 800 000), at `hardExpiresAt` at the latest. It may also get shorter. */
  async setTimeout(timeoutMs: number, options: RequestOptions = {}): Promise<Date> {
    if (!Number.isSafeInteger(timeoutMs) || timeoutMs < MIN_LEASE_MS || timeoutMs > MAX_LEASE_MS) {
      throw new InvalidArgumentError(`timeoutMs: ${timeoutMs} is not an integer from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}`);
    }
    const request = { operation: 'extend', sandboxId: this.sandboxId, timeoutMs } as const;
    this.#info = (await this.#parts.allocator.call<'extend'>(request, this.#deadline('extend', options))).sandbox;
    return this.expiresAt;
  }

  /** Makes the lease end `byMs` later than `expiresAt`, at `hardExpiresAt` at the latest. */
  async extendTimeout(byMs: number, options: RequestOptions = {}): Promise<Date> {
    if (!Number.isSafeInteger(byMs) || byMs <= 0) {
      throw new InvalidArgumentError(`byMs: ${byMs} is not a whole number of milliseconds above 0`);
    }
    const leftMs = Math.max(0, this.#info.expiresAt - this.#parts.clock.now());
    return this.setTimeout(Math.min(Math.max(Math.ceil(leftMs + byMs), MIN_LEASE_MS), MAX_LEASE_MS), options);
  }

  /** Suspends the sandbox with its memory, files and processes. Any later call to it resumes it. The lease runs on. */
  async pause(options: RequestOptions = {}): Promise<void> {
    const request = { operation: 'pause', sandboxId: this.sandboxId } as const;
    this.#info = (await this.#parts.allocator.call<'pause'>(request, this.#deadline('pause', options))).sandbox;
  }

  /** Resumes a paused sandbox and waits until it answers. */
  async resume(options: RequestOptions = {}): Promise<void> {
    const request = { operation: 'resume', sandboxId: this.sandboxId } as const;
    const deadline = this.#deadline('resume', options);
    this.#info = (await this.#parts.allocator.call<'resume'>(request, deadline)).sandbox;
    await this.#untilReachable(deadline);
  }

  /** Ends the sandbox for good. False if there was nothing left to end. */
  async kill(options: RequestOptions = {}): Promise<boolean> {
    const killed = await killSandbox(this.#parts.allocator, this.sandboxId, this.#deadline('kill', options));
    this.#endpoint.close(new SandboxTerminatedError(`sandbox ${this.sandboxId} was killed`, { sandboxId: this.sandboxId }));
    return killed;
  }

  /**
   * Asks the sandbox itself, once. False if it is paused or gone. Wakes one that the platform suspended for idleness.
   * `UnsupportedError` for an image without our runtime.
   */
  async isRunning(options: RequestOptions = {}): Promise<boolean> {
    if (!this.#endpoint.hasDaemon) throw new UnsupportedError('isRunning: the image of this sandbox has no runtime to ask; use waitForPort');
    try {
      await this.#daemon.health(this.#deadline('isRunning', options), true);
      return true;
    } catch (error) {
      const gone = error instanceof SandboxTerminatedError || error instanceof SandboxNotFoundError;
      if (gone || error instanceof AsleepError) return false;
      throw error;
    }
  }

  /**
   * Sends an HTTP request to a program that listens on `port` in the sandbox. Bodies stream both ways, redirects are not followed.
   * Waits, for methods that may be repeated, while the sandbox wakes and until something listens; others reject with
   * `ConnectionLostError` if it is unknown whether the request arrived.
   */
  async fetch(port: number, path = '/', init: FetchInit = {}): Promise<Response> {
    return fetchPort(this.#endpoint, port, path, init);
  }

  /** The address and headers for a program that listens on `port`, for use by another HTTP client. */
  async getPortEndpoint(port: number, options: RequestOptions = {}): Promise<PortEndpoint> {
    checkPort(port);
    const deadline = this.#deadline(`endpoint of port ${port}`, options);
    const { address, headers, expiresAt } = await this.#endpoint.portAccess(port, deadline);
    // A local cloud tells microVMs apart by the name that was asked for.
    const name = { ...(!address.secure && { host: address.host }) };
    return { url: address.url, headers: { ...name, ...headers }, expiresAt: new Date(expiresAt) };
  }

  /** Waits until a program answers HTTP on `port`, whatever it answers. */
  async waitForPort(port: number, options: WaitForPortOptions = {}): Promise<void> {
    const response = await this.fetch(port, '/', { requestTimeoutMs: options.timeoutMs, signal: options.signal });
    await response.body?.cancel();
  }

  toJSON(): object {
    const { sandboxId, metadata, expiresAt, hardExpiresAt } = this;
    return { sandboxId, metadata, expiresAt, hardExpiresAt };
  }

  toString(): string {
    return `Sandbox ${this.sandboxId}`;
  }

  [inspect.custom](): string {
    return `Sandbox ${inspect(this.toJSON())}`;
  }

  /** Kills a sandbox that this handle created; leaves one that it connected to or found by its key. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#parts.owned) await this.kill();
  }

  /** @internal Waits until the daemon answers for this very sandbox. An image without our runtime has nobody to ask. */
  async untilReachable(deadline: Deadline): Promise<void> {
    const startedAt = this.#parts.clock.now();
    await this.#untilReachable(deadline);
    this.#timings.reachable = this.#parts.clock.now() - startedAt;
  }

  async #untilReachable(deadline: Deadline): Promise<void> {
    if (!this.#endpoint.hasDaemon) return;
    this.#endpoint.expectStart(START_PATIENCE_MS);
    const health = await this.#daemon.health(deadline);
    if (health.sandboxId === this.sandboxId && health.generation === this.#endpoint.generation) return;
    throw new SandboxError(`the microVM of ${this.sandboxId} answers for another sandbox or generation`, { sandboxId: this.sandboxId });
  }

  #deadline(what: string, { requestTimeoutMs, signal }: RequestOptions): Deadline {
    return new Deadline({ clock: this.#parts.clock, what: `${what} of ${this.sandboxId}`, requestTimeoutMs, signal, sandboxId: this.sandboxId });
  }
}

/** @internal Kills whatever is left of a sandbox; one that nobody knows has nothing left. */
export async function killSandbox(allocator: Allocator, sandboxId: string, deadline: Deadline): Promise<boolean> {
  try {
    return (await allocator.call<'kill'>({ operation: 'kill', sandboxId }, deadline)).killed;
  } catch (error) {
    if (error instanceof SandboxNotFoundError) return false;
    throw error;
  }
}

let shared: { readonly client: SandboxClient; readonly environment: string } | undefined;

/** The client for what the environment says now. */
function environmentClient(): SandboxClient {
  const environment = SandboxClient.environment();
  if (shared?.environment !== environment) shared = { client: new SandboxClient(), environment };
  return shared.client;
}

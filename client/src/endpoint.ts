import { AnswerBody } from './answer-body';
import type { Clock } from './clock';
import { AttemptTimeout, Deadline } from './deadline';
import { endpointAddress, type EndpointAddress } from './endpoint-address';
import { AsleepError, type EndpointAnswer, type EndpointRequest, isRepeatable } from './endpoint-request';
import {
  AuthenticationError,
  ConnectionLostError,
  errorOf,
  PermissionDeniedError,
  SandboxError,
  SandboxNotFoundError,
  SandboxTerminatedError,
  ServiceBusyError,
  UnsupportedError,
} from './errors';
import { type Connections, ExchangeError } from './exchange';
import { Inquiry } from './inquiry';
import { type ConnectedSandbox, type Connection, GENERATION_HEADER, PROXY_AUTH_HEADER, PROXY_PORT_HEADER } from './protocol';
import { judgeDaemonAnswer, judgeUserAnswer, type Verdict } from './proxy-answer';
import { Tokens } from './tokens';

/** What only the allocator can do for an endpoint. */
export interface EndpointAllocator {
  /** Resumes a paused sandbox; fails with the reason if it is gone. */
  connect(deadline: Deadline): Promise<ConnectedSandbox>;
  token(ports: readonly number[], deadline: Deadline): Promise<Connection>;
}

export interface EndpointOptions {
  readonly connected: ConnectedSandbox;
  readonly region: string;
  readonly localEndpoint?: URL;
  readonly connections: Connections;
  readonly allocator: EndpointAllocator;
  readonly clock: Clock;
}

export interface PortAccess {
  readonly address: EndpointAddress;
  readonly headers: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What takes an answer's body off the network. */
type Read<T> = (answer: EndpointAnswer) => Promise<T>;

/** One attempt that hangs is given up after this long, if it may be made again. */
const ATTEMPT_MS = 20_000;
const BACKOFF = { firstMs: 50, mostMs: 2000 };
/** Far less than the shortest idle time after which the platform suspends. */
const AWAKE_MS = 10_000;

/** An attempt without an answer for the caller. */
interface Failure {
  readonly verdict: Exclude<Verdict['kind'], 'answer' | 'refused'> | 'stale' | 'lost';
  /** Whether the guest may have acted on it. */
  readonly done: boolean;
  readonly cause?: unknown;
}

/** The way into one sandbox: tokens, headers, retries. Survives the sandbox's move to another microVM. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #tokens: Tokens;
  #connected: ConnectedSandbox;
  #address: EndpointAddress;
  #closed?: SandboxError;
  readonly #inquiry: Inquiry;
  #answeredAt = 0;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#connected = options.connected;
    this.#address = this.#addressOf(options.connected.connection);
    this.#tokens = new Tokens(options.clock, async (ports) => {
      const deadline = this.#deadline(`token for the ports ${ports.join()}`);
      const connection = await options.allocator.token(ports, deadline);
      this.#address = this.#addressOf(connection);
      return connection;
    });
    this.#tokens.put(options.connected.connection);
    this.#inquiry = new Inquiry(options.clock, async () => this.#ask());
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get sandboxId(): string {
    return this.#connected.sandbox.sandboxId;
  }

  get generation(): number {
    return this.#connected.sandbox.generation;
  }

  get hasDaemon(): boolean {
    return this.#connected.connection.daemon !== undefined;
  }

  /** Takes over what the allocator says about the sandbox now. */
  update(connected: ConnectedSandbox): void {
    if (connected.sandbox.sandboxId !== this.sandboxId) throw new SandboxError('the allocator answered for another sandbox');
    this.#address = this.#addressOf(connected.connection);
    if (connected.sandbox.generation !== this.generation) this.#tokens.clear();
    this.#connected = connected;
    this.#tokens.put(connected.connection);
  }

  /** From now on every request fails with `reason`. */
  close(reason: SandboxError): void {
    this.#closed = reason;
  }

  /** Whether the microVM is known to be awake. */
  get awake(): boolean {
    return this.clock.now() - this.#answeredAt < AWAKE_MS;
  }

  /** A microVM that just started needs no questions for a while. */
  expectStart(patienceMs: number): void {
    this.#inquiry.holdOff(patienceMs);
  }

  /** Where a port is served and what to send along. The headers are a secret. */
  async portAccess(port: number, deadline: Deadline): Promise<PortAccess> {
    if (this.#closed) throw this.#closed;
    const { token, expiresAt } = await deadline.attempt(() => this.#tokens.get(port));
    const headers = { [PROXY_AUTH_HEADER]: token, [PROXY_PORT_HEADER]: String(port) };
    return { address: this.#address, headers, expiresAt };
  }

  /**
   * Sends a request until it is answered by the guest, and hands the answer to `read`. What `read` takes from the network is part
   * of the attempt, so a body that breaks off is fetched again where that is safe.
   */
  async request<T>(request: EndpointRequest, deadline: Deadline, read: Read<T>): Promise<T> {
    const history = { tokenRefused: false, asleep: 0, seenBy: request.seenBy };
    for (let attempt = 0; ; attempt++) {
      const { generation } = this;
      if (!request.safe && (history.seenBy ?? generation) !== generation) throw this.#lost(request, undefined);
      const outcome = await this.#attempt(request, deadline, read);
      if ('value' in outcome) {
        this.#answeredAt = this.clock.now();
        this.#inquiry.settle();
        return outcome.value;
      }
      this.#throwUnlessRepeatable(request, outcome);
      if (outcome.done) history.seenBy ??= generation;
      if (outcome.verdict === 'token') {
        if (history.tokenRefused) throw this.#refusal(outcome.cause);
        history.tokenRefused = true;
        continue;
      }
      if (outcome.verdict === 'stale') await this.#inquiry.ask(deadline);
      if (outcome.verdict === 'asleep' && ++history.asleep >= 2) await this.#inquiry.askPaced(deadline);
      await deadline.backOff(attempt, BACKOFF, outcome.cause);
    }
  }

  async #attempt<T>(request: EndpointRequest, deadline: Deadline, read: Read<T>): Promise<{ value: T } | Failure> {
    if (this.#closed) throw this.#closed;
    const port = this.#portOf(request);
    const { token } = await deadline.attempt(() => this.#tokens.get(port));
    let sent: EndpointAnswer | undefined;
    try {
      const headMs = isRepeatable(request) && !request.body ? ATTEMPT_MS : Infinity;
      const send = (signal: AbortSignal) => this.#send(request, { port, token }, deadline, signal);
      const answer = sent = await deadline.attempt(send, headMs);
      return await deadline.attempt(async () => {
        const verdict = await (request.port === 'daemon' ? judgeDaemonAnswer : judgeUserAnswer)(answer.status, answer.body);
        if (verdict.kind === 'answer') return { value: await read(answer) };
        // What is left of the upload has nobody to go to.
        if (request.body) answer.body.destroy();
        else answer.body.release();
        return this.#failure(verdict, port, token);
      });
    } catch (error) {
      sent?.body.destroy();
      deadline.signal?.throwIfAborted();
      if (error instanceof ExchangeError) return { verdict: 'lost', cause: error, done: error.mayHaveArrived };
      if (error instanceof ConnectionLostError || error instanceof AttemptTimeout || isNetworkError(error)) {
        return { verdict: 'lost', cause: error, done: true };
      }
      throw error;
    }
  }

  async #send(
    request: EndpointRequest,
    { port, token }: { port: number; token: string },
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<EndpointAnswer> {
    const { method, path, body } = request;
    const daemon = request.port === 'daemon' ? this.#connected.connection.daemon : undefined;
    const message = await this.#options.connections.send({
      address: this.#address,
      method,
      path,
      headers: {
        ...request.headers,
        ...(body?.size !== undefined && { 'content-length': body.size }),
        host: this.#address.host,
        [PROXY_AUTH_HEADER]: token,
        [PROXY_PORT_HEADER]: String(port),
        ...(daemon && { authorization: `Bearer ${daemon.secret}`, [GENERATION_HEADER]: String(this.generation) }),
      },
      body: body?.chunks(),
      repeatable: isRepeatable(request),
      signal,
      onProgress: () => deadline.restart(),
    });
    return {
      status: message.statusCode ?? 0,
      statusText: message.statusMessage ?? '',
      rawHeaders: message.rawHeaders,
      body: new AnswerBody(message, this.clock),
    };
  }

  #failure(verdict: Exclude<Verdict, { kind: 'answer' }>, port: number, token: string): Failure {
    switch (verdict.kind) {
      case 'token':
        this.#tokens.drop(port, token);
        return {
          verdict: 'token',
          done: false,
          cause: verdict.port
            ? new PermissionDeniedError(`the platform lets nobody in to port ${port}`, { sandboxId: this.sandboxId })
            : undefined,
        };
      case 'asleep':
        return { verdict: 'asleep', done: true, cause: new SandboxError(`nothing answers on port ${port}`, { code: 'not_ready' }) };
      case 'busy':
        return { verdict: 'busy', done: verdict.unsure, cause: new SandboxError('the microVM is not ready', { code: 'not_ready' }) };
      case 'refused': {
        if (verdict.error.code === 'stale_generation') return { verdict: 'stale', done: false };
        const secrets = [token, this.#connected.connection.daemon?.secret];
        const message = without(verdict.error.message, secrets);
        throw errorOf({ ...verdict.error, message }, { sandboxId: this.sandboxId });
      }
    }
  }

  #throwUnlessRepeatable(request: EndpointRequest, { verdict, cause, done }: Failure): void {
    if (request.once && verdict === 'asleep') throw new AsleepError();
    if (request.body?.replayable === false && !done) {
      throw new ServiceBusyError('the request was refused before anything was done; its body was a stream, so send it with a new one', {
        sandboxId: this.sandboxId, cause,
      });
    }
    if (done && !isRepeatable(request)) throw this.#lost(request, cause);
  }

  #lost({ method, path }: EndpointRequest, cause: unknown): ConnectionLostError {
    const what = `${method} ${path.split('?')[0]}`;
    return new ConnectionLostError(`${what}: the connection broke and it is unknown whether it took effect, so it was not repeated`, {
      sandboxId: this.sandboxId, cause,
    });
  }

  #refusal(cause: unknown): SandboxError {
    if (cause instanceof SandboxError) return cause;
    return new AuthenticationError('the platform refuses a fresh token of this sandbox', { sandboxId: this.sandboxId });
  }

  #portOf(request: EndpointRequest): number {
    if (request.port !== 'daemon') return request.port;
    const { daemon } = this.#connected.connection;
    if (daemon) return daemon.port;
    throw new UnsupportedError('the image of this sandbox has no runtime: it has no commands and files, only fetch', {
      sandboxId: this.sandboxId,
    });
  }

  /** Learns from the allocator what became of the sandbox. */
  async #ask(): Promise<void> {
    try {
      this.update(await this.#options.allocator.connect(this.#deadline('asking for the sandbox')));
    } catch (error) {
      if (error instanceof SandboxTerminatedError || error instanceof SandboxNotFoundError) this.close(error);
      // An allocator that is busy says nothing about the microVM: keep trying.
      if (!(error instanceof SandboxError) || !error.retryable) throw error;
    }
  }

  #deadline(what: string): Deadline {
    return new Deadline({ clock: this.clock, what, sandboxId: this.#connected?.sandbox.sandboxId });
  }

  #addressOf(connection: Connection): EndpointAddress {
    return endpointAddress(connection.endpoint, this.#options.region, this.#options.localEndpoint);
  }
}

function isNetworkError(error: unknown): boolean {
  return !(error instanceof SandboxError) && typeof (error as NodeJS.ErrnoException | undefined)?.code === 'string';
}

/** A hostile daemon may send our own secrets back. */
function without(message: string, secrets: readonly (string | undefined)[]): string {
  return secrets.reduce<string>((text, secret) => (secret ? text.replaceAll(secret, '…') : text), message);
}

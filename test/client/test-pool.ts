import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InvokeCommand, InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { TestClock } from './test-clock';
import { SandboxClient } from '../../client/src/client';
import type { AllocatorEvent, ConnectedSandbox, Connection, ErrorBody, Launch, SandboxInfo } from '../../client/src/protocol';

export const REGION = 'eu-west-1';
export const POOL = `arn:aws:lambda:${REGION}:123456789012:function:pool-allocator`;
export const HOST = `0a1b2c3d-0000-4000-8000-000000000000.lambda-microvm.${REGION}.on.aws`;
export const SECRET = 'daemon-secret-daemon-secret';
export const SANDBOX_ID = 'sbx-00000000000000000000000001';
const HOUR_MS = 3_600_000;

export interface Arrived {
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export type OnOperation = (event: AllocatorEvent) => void | Promise<void>;

function nothing(): void {}

export type Guest = (request: Arrived, response: http.ServerResponse) => void | Promise<void>;

/** Throw it from `onOperation` to answer with an error of the allocator. */
export class Refusal {
  constructor(readonly body: ErrorBody) {}
}

/**
 * One sandbox as its client sees it: an allocator behind Lambda Invoke, and a microVM's endpoint on a real socket that checks
 * tokens and ports like the platform's proxy and hands the rest to `guest`.
 */
export class TestPool implements AsyncDisposable {
  static async start(guest: Guest = healthy): Promise<TestPool> {
    const pool = new TestPool(guest);
    await new Promise<void>((resolve) => pool.#server.listen(0, '127.0.0.1', resolve));
    return pool;
  }

  readonly clock = new TestClock();
  readonly events: AllocatorEvent[] = [];
  readonly arrived: Arrived[] = [];
  guest: Guest;
  generation = 1;
  launchKind: Launch['kind'] = 'ready';
  tokenLifeMs = HOUR_MS;
  daemon: Connection['daemon'] = { port: 8080, secret: SECRET };
  host = HOST;
  /** Called before an operation is answered; throw to fail it. */
  onOperation: OnOperation = nothing;
  /** Answers these many requests with 502, like a microVM that wakes. */
  asleepFor = 0;
  /** Ports of each token that the proxy takes. */
  readonly tokens = new Map<string, readonly number[]>();
  connectionCount = 0;
  readonly #server: http.Server;

  private constructor(guest: Guest) {
    this.guest = guest;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', () => { this.connectionCount++; });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  client(): SandboxClient {
    return new SandboxClient({ pool: POOL, localEndpoint: this.url, lambda: this }, this.clock);
  }

  /** Requests of one path, without the health checks of `create`. */
  requests(path: string): Arrived[] {
    return this.arrived.filter(({ url }) => url.pathname === path);
  }

  operations(): string[] {
    return this.events.map(({ operation }) => operation);
  }

  async send(command: InvokeCommand): Promise<InvokeCommandOutput> {
    const event = JSON.parse(Buffer.from(command.input.Payload as Uint8Array).toString()) as AllocatorEvent;
    this.events.push(event);
    const $metadata = { requestId: `request-${this.events.length}` };
    try {
      await this.onOperation(event);
      return { $metadata, StatusCode: 200, Payload: payload({ ok: true, result: this.#result(event) }) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { $metadata, StatusCode: 200, Payload: payload({ ok: false, error: error.body }) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  sandbox(): SandboxInfo {
    const createdAt = this.clock.now();
    return {
      sandboxId: SANDBOX_ID,
      state: 'running',
      generation: this.generation,
      metadata: { team: 'red' },
      createdAt,
      expiresAt: createdAt + HOUR_MS,
      hardExpiresAt: createdAt + 8 * HOUR_MS,
    };
  }

  #result(event: AllocatorEvent): unknown {
    switch (event.operation) {
      case 'create':
      case 'connect':
        return {
          sandbox: this.sandbox(),
          connection: this.#connection([8080]),
          launch: { kind: this.launchKind, timings: { claim: 12 } },
        } satisfies ConnectedSandbox;
      case 'token': return { connection: this.#connection(event.ports) };
      case 'extend': return { sandbox: { ...this.sandbox(), expiresAt: this.clock.now() + event.timeoutMs } };
      case 'pause':
      case 'resume': return { sandbox: this.sandbox() };
      case 'kill': return { killed: true };
      case 'list': return { sandboxes: [this.sandbox()] };
    }
  }

  #connection(ports: readonly number[]): Connection {
    const token = `platform-token-${this.tokens.size + 1}`;
    this.tokens.set(token, ports);
    const tokenExpiresAt = this.clock.now() + this.tokenLifeMs;
    return { endpoint: this.host, token, tokenExpiresAt, ports, daemon: this.daemon };
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', headers } = request;
    const arrived = { method, url: new URL(request.url ?? '/', 'http://guest'), headers, body: Buffer.concat(chunks) };
    this.arrived.push(arrived);
    const ports = this.tokens.get(String(headers['x-aws-proxy-auth']));
    if (!ports) return void response.writeHead(403).end('Token authentication failed');
    if (!ports.includes(Number(headers['x-aws-proxy-port']))) return void response.writeHead(403).end('Access to port denied');
    if (this.asleepFor > 0) {
      this.asleepFor--;
      return void response.writeHead(502).end();
    }
    await this.guest(arrived, response);
  }
}

/** The SDK's type has a method to read text; the client reads the bytes. */
function payload(value: unknown): InvokeCommandOutput['Payload'] {
  return Buffer.from(JSON.stringify(value)) as unknown as InvokeCommandOutput['Payload'];
}

export function refusal(code: ErrorBody['code'], retryable = false, retryAfterMs?: number): Refusal {
  return new Refusal({ code, message: `refused: ${code}`, retryable, retryAfterMs });
}

export function answer(response: http.ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** A daemon that only says that it is there. */
export function healthy(request: Arrived, response: http.ServerResponse): void {
  if (request.url.pathname !== '/v1/health') return answer(response, { error: { code: 'internal', message: 'no route', retryable: false } }, 500);
  answer(response, { sandboxId: SANDBOX_ID, generation: Number(request.headers['x-sandbox-generation']), version: '1', running: 0 });
}

/** A daemon with these routes beside its health; a route is `METHOD /path`. */
export function routes(table: Readonly<Record<string, Guest>>): Guest {
  return (request, response) => (table[`${request.method} ${request.url.pathname}`] ?? healthy)(request, response);
}

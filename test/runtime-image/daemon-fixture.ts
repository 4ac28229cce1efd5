import { createHash } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CommandEvent, CommandExit, CommandRequest, RunPayload } from '../../client/src/protocol/daemon';
import { GENERATION_HEADER } from '../../client/src/protocol/daemon';
import type { Daemon, DaemonOptions } from '../../runtime-image/daemon/daemon';
import { startDaemon } from '../../runtime-image/daemon/daemon';

export const SECRET = 'correct-horse-battery-staple';
export const PAYLOAD: RunPayload = {
  sandboxId: 'sbx-0123456789abcdefghijklmnop',
  generation: 3,
  secretSha256: createHash('sha256').update(SECRET).digest('hex'),
};
export const HOOK_PREFIX = '/aws/lambda-microvms/runtime/v1/';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into many shapes
  json(): any;
}

export interface RequestOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

export interface LogLine {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Sends one request on its own connection. */
export async function open(
  port: number, method: string, path: string, options: RequestOptions = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers: options.headers, agent: false }, resolve);
    request.on('error', reject);
    request.end(options.body);
  });
}

export async function send(port: number, method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await open(port, method, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, body, json: () => JSON.parse(body.toString('utf8')) };
}

export async function* eventsOf(response: IncomingMessage): AsyncGenerator<CommandEvent> {
  for await (const line of createInterface({ input: response })) yield JSON.parse(line) as CommandEvent;
}

/** What a command did, put together from its events. */
export interface Outcome {
  readonly events: CommandEvent[];
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly droppedBytes: number;
  readonly exit?: CommandExit;
}

export function outcomeOf(events: CommandEvent[]): Outcome {
  const output = (type: 'stdout' | 'stderr') => Buffer.concat(
    events.flatMap((event) => (event.type === type ? [Buffer.from(event.data, 'base64')] : [])),
  );
  return {
    events,
    stdout: output('stdout'),
    stderr: output('stderr'),
    droppedBytes: events.reduce((sum, event) => sum + (event.type === 'gap' ? event.droppedBytes : 0), 0),
    exit: events.find((event) => event.type === 'exit'),
  };
}

/** Reads a stream until its output contains `text`. */
export async function readUntil(events: AsyncGenerator<CommandEvent>, text: string): Promise<CommandEvent[]> {
  const seen: CommandEvent[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`the stream ended before ${text}: ${outcomeOf(seen).stdout.toString()}`);
    seen.push(value);
    if (outcomeOf(seen).stdout.toString().includes(text)) return seen;
  }
}

export interface FixtureOptions {
  /** Called with the folder that stands for `/` before the daemon starts. */
  readonly prepare?: (root: string) => Promise<void>;
}

/** A daemon in this process on free ports, with a folder of its own for `/`, driven over real sockets. */
export class DaemonFixture {
  static async start(options: Partial<DaemonOptions> & FixtureOptions = {}): Promise<DaemonFixture> {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'daemon-')));
    await options.prepare?.(root);
    const log: LogLine[] = [];
    const daemon = await startDaemon({
      settings: { hooks: { host: '127.0.0.1', port: 0 }, api: { host: '127.0.0.1', port: 0 }, localRoot: root },
      log: (event, fields = {}) => log.push({ event, fields }),
      ...options,
    });
    return new DaemonFixture(daemon, root, log);
  }

  /** With `/run` delivered. */
  static async running(options: Partial<DaemonOptions> & FixtureOptions = {}): Promise<DaemonFixture> {
    const fixture = await DaemonFixture.start(options);
    await fixture.run();
    return fixture;
  }

  readonly daemon: Daemon;
  readonly root: string;
  readonly log: LogLine[];
  #ids = 0;

  private constructor(daemon: Daemon, root: string, log: LogLine[]) {
    this.daemon = daemon;
    this.root = root;
    this.log = log;
  }

  async stop(): Promise<void> {
    await this.daemon.close();
    await rm(this.root, { recursive: true, force: true });
  }

  /** Where a path of the sandbox lies. */
  host(path: string): string {
    return join(this.root, path);
  }

  async hook(name: string, body?: string): Promise<Answer> {
    return send(this.daemon.hookPort, 'POST', HOOK_PREFIX + name, { body });
  }

  async run(payload: object = PAYLOAD): Promise<Answer> {
    return this.hook('run', JSON.stringify({ microvmId: 'mvm-1', runHookPayload: JSON.stringify(payload) }));
  }

  headers(): Record<string, string> {
    return { authorization: `Bearer ${SECRET}`, [GENERATION_HEADER]: String(PAYLOAD.generation) };
  }

  async api(method: string, path: string, body?: object | Buffer | string): Promise<Answer> {
    const bytes = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body;
    return send(this.daemon.apiPort, method, path, { headers: this.headers(), body: bytes });
  }

  async openApi(method: string, path: string, body?: object): Promise<IncomingMessage> {
    return open(this.daemon.apiPort, method, path, { headers: this.headers(), body: body && JSON.stringify(body) });
  }

  freshId(): string {
    return `command-${++this.#ids}`;
  }

  async start(request: Partial<CommandRequest>): Promise<IncomingMessage> {
    return this.openApi('POST', '/v1/commands', { commandId: this.freshId(), ...request });
  }

  /** Runs a command to its end. */
  async exec(request: Partial<CommandRequest>): Promise<Outcome> {
    const events: CommandEvent[] = [];
    for await (const event of eventsOf(await this.start(request))) events.push(event);
    return outcomeOf(events);
  }
}

export function at(route: string, query: Record<string, string>): string {
  return `${route}?${new URLSearchParams(query)}`;
}

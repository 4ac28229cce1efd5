import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmImageCommand, type CreateMicrovmImageRequest, GetMicrovmCommand,
  GetMicrovmImageCommand,
  GetMicrovmImageVersionCommand, LambdaMicrovmsClient, RunMicrovmCommand, type RunMicrovmRequest,
  TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ZipFile } from 'yazl';
import { type Clock, LocalClock } from '../../../local/src/clock';
import { IamService } from '../../../local/src/iam/iam-service';
import { type Isolation, MicrovmService, type MicrovmServiceOptions } from '../../../local/src/microvms';

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';
export const BASE_IMAGE = `arn:aws:lambda:${REGION}:aws:microvm-image:al2023-1`;
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/build-role-of-tests`;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface FetchOptions {
  readonly token?: string;
  readonly method?: string;
  readonly headers?: object;
  readonly body?: string;
}

/** The service behind a loopback HTTP server, as the gateway of the local cloud mounts it. */
export class MicrovmCloud {
  readonly clock: LocalClock;
  readonly warnings: string[] = [];
  readonly logs: { group: string; stream: string; message: string; time?: number }[] = [];
  readonly objects = new Map<string, Buffer>();
  readonly folder = mkdtempSync(join(tmpdir(), 'mv-'));
  readonly service: MicrovmService;
  readonly #server: Server;
  #client?: LambdaMicrovmsClient;

  constructor(isolation: Isolation, serviceClock?: Clock, more: Partial<MicrovmServiceOptions> = {}) {
    this.clock = new LocalClock();
    this.service = new MicrovmService({
      account: ACCOUNT,
      region: REGION,
      clock: serviceClock ?? this.clock,
      objects: { read: async (bucket, key) => this.objects.get(`${bucket}/${key}`) },
      logs: { write: (group, stream, message, time) => void this.logs.push({ group, stream, message, time }) },
      roles: new IamService(ACCOUNT),
      folder: this.folder,
      isolation,
      spares: 0,
      onWarning: (message) => void this.warnings.push(message),
      ...more,
    });
    this.#server = createServer((incoming, response) => {
      if (this.service.isEndpointHost(incoming.headers.host ?? '')) return this.service.handleEndpoint(incoming, response);
      void this.#control(incoming).then(({ status, headers, body }) => response.writeHead(status, headers).end(body));
    });
    this.#server.on('upgrade', (incoming, socket, head) => this.service.handleUpgrade(incoming, socket, head));
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get client(): LambdaMicrovmsClient {
    this.#client ??= new LambdaMicrovmsClient({
      endpoint: `http://127.0.0.1:${this.port}`,
      region: REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    });
    return this.#client;
  }

  /** Stores a zip of `files` as s3://artifacts/<key>. */
  async putArtifact(key: string, files: Readonly<Record<string, string>>): Promise<string> {
    this.objects.set(`artifacts/${key}`, await zip(files));
    return `s3://artifacts/${key}`;
  }

  /** Creates an image from `files` and waits until it is built. */
  async createImage(
    name: string,
    files: Readonly<Record<string, string>>,
    more: Partial<CreateMicrovmImageRequest> = {},
  ): Promise<string> {
    const uri = await this.putArtifact(`${name}.zip`, files);
    const input = { name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri }, ...more };
    const { imageArn = '' } = await this.client.send(new CreateMicrovmImageCommand(input));
    await this.until('the build', async () => (await this.imageState(imageArn)) !== 'CREATING');
    return imageArn;
  }

  async imageState(imageIdentifier: string): Promise<string | undefined> {
    return (await this.client.send(new GetMicrovmImageCommand({ imageIdentifier }))).state;
  }

  version(imageIdentifier: string, imageVersion = '1.0') {
    return this.client.send(new GetMicrovmImageVersionCommand({ imageIdentifier, imageVersion }));
  }

  /** Starts a microVM and waits for RUNNING. */
  async run(imageIdentifier: string, more: Partial<RunMicrovmRequest> = {}): Promise<{ id: string; endpoint: string }> {
    const { microvmId = '', endpoint = '' } = await this.client.send(new RunMicrovmCommand({ imageIdentifier, ...more }));
    await this.untilState(microvmId, 'RUNNING');
    return { id: microvmId, endpoint };
  }

  microvm(microvmIdentifier: string) {
    return this.client.send(new GetMicrovmCommand({ microvmIdentifier }));
  }

  async untilState(id: string, state: string): Promise<void> {
    await this.until(state, async () => (await this.microvm(id)).state === state);
  }

  /** Ends a microVM and waits for TERMINATED. */
  async terminate(microvmIdentifier: string): Promise<void> {
    await this.client.send(new TerminateMicrovmCommand({ microvmIdentifier }));
    await this.untilState(microvmIdentifier, 'TERMINATED');
  }

  async token(microvmIdentifier: string, ports: readonly number[] = [8080], expirationInMinutes = 60): Promise<string> {
    const { authToken = {} } = await this.client.send(new CreateMicrovmAuthTokenCommand({
      microvmIdentifier,
      expirationInMinutes,
      allowedPorts: ports.map((port) => ({ port })),
    }));
    return authToken['X-aws-proxy-auth'];
  }

  /** A request to an endpoint. */
  fetch(endpoint: string, path: string, options: FetchOptions = {}): Promise<Answer> {
    return this.raw(options.method ?? 'GET', path, options.body ?? '', {
      host: endpoint,
      ...(options.token === undefined ? {} : { 'x-aws-proxy-auth': options.token }),
      ...options.headers,
    });
  }

  raw(method: string, path: string, body = '', headers: object = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, method, path, headers: { ...headers }, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({
          status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString(),
        }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Lets time pass, `seconds` at a time, until the work is done. */
  async passing<T>(work: Promise<T>, seconds: number): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    work.then(end, end);
    await this.until('the work', async () => {
      if (!over) await this.clock.advance({ seconds });
      return over;
    });
    return work;
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const limit = Date.now() + 15_000;
    while (!(await holds())) {
      if (Date.now() > limit) throw new Error(`${what} did not come about; warnings: ${this.warnings.join('; ')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.#client?.destroy();
    await this.service.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.clock.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #control(incoming: IncomingMessage) {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const [path, query] = (incoming.url ?? '').split('?');
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    return this.service.handle({
      method: incoming.method ?? '', path, query: new URLSearchParams(query), rawQuery: query, headers, body: Buffer.concat(chunks), accessKeyId: 'test',
    });
  }
}

export async function zip(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    archive.addBuffer(Buffer.from(content), name, { mode: 0o100755 });
  }
  archive.end();
  const chunks: Buffer[] = [];
  for await (const chunk of archive.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

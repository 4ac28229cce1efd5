import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isEqual } from '../../iam/signature';
import { ServiceError } from '../service-error';

const SECRET_HEADER = 'x-microvm-sandbox-secret';

/** Any body of the DynamoDB API. */
export type Json = Record<string, unknown>;

/**
 * A dynalite of our own: tables in memory, behind a port of its own on loopback. It starts with its first call. It checks no signature
 * and invites the pages of every origin, so it hears only who knows a secret.
 */
export class DynaliteStore {
  readonly #secret = randomBytes(32).toString('hex');
  readonly #agent = new Agent({ keepAlive: true });
  #server?: Promise<Server>;
  #stopped = false;

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#agent.destroy();
    const server = await this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** Answers the operation's output, or throws the service's error as a `ServiceError`. */
  async call(operation: string, input: Json): Promise<Json> {
    const { status, body } = await this.#send(operation, JSON.stringify(input));
    const answer = JSON.parse(body || '{}') as Json;
    if (status === 200) return answer;
    const { __type, message, Message, ...members } = answer;
    throw new ServiceError(String(__type).split('#').at(-1) ?? '', String(message ?? Message ?? ''), status, members);
  }

  /** Creates or deletes a table, and answers once that took effect. */
  async changeTable(operation: 'CreateTable' | 'DeleteTable', input: Json): Promise<Json> {
    const answer = await this.call(operation, input);
    for (;;) {
      const status = await this.#tableStatus(input.TableName);
      if (status === (operation === 'CreateTable' ? 'ACTIVE' : undefined)) return answer;
    }
  }

  async #tableStatus(TableName: unknown): Promise<unknown> {
    try {
      return ((await this.call('DescribeTable', { TableName })).Table as Json).TableStatus;
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'ResourceNotFoundException') return undefined;
      throw error;
    }
  }

  async #start(): Promise<Server> {
    // Loaded when somebody needs a table: most of the time until a cloud is ready would go into it.
    const { default: dynalite } = await import('dynalite');
    const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    // An idle connection that the server closes, five seconds on by default, may be the one that the next call has just taken.
    server.keepAliveTimeout = 0;
    const [answer] = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request').on('request', (call: IncomingMessage, response) => {
      if (isEqual(String(call.headers[SECRET_HEADER] ?? ''), this.#secret)) answer(call, response);
      else call.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve());
    });
    return server;
  }

  async #send(operation: string, body: string): Promise<{ status: number; body: string }> {
    if (this.#stopped) throw new ServiceError('ServiceUnavailable', 'the local cloud was stopped', 503);
    this.#server ??= this.#start();
    const { port } = (await this.#server).address() as AddressInfo;
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      // dynalite asks for the form of a signature and checks nothing.
      'authorization': 'AWS4-HMAC-SHA256 Credential=local/19700101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      'x-amz-date': '19700101T000000Z',
      [SECRET_HEADER]: this.#secret,
    };
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, method: 'POST', agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 500, body: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      });
      call.on('error', reject);
      call.end(body);
    });
  }
}

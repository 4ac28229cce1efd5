import type { Server } from 'node:http';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import { ServiceError } from '../service-error';

/** Any body of the DynamoDB API. */
export type Json = Record<string, unknown>;

/** A dynalite of our own: tables in memory, behind a port of its own on loopback. */
export class DynaliteStore {
  readonly #server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  readonly #agent = new Agent({ keepAlive: true });

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
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

  #send(operation: string, body: string): Promise<{ status: number; body: string }> {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      // dynalite asks for the form of a signature and checks nothing.
      'authorization': 'AWS4-HMAC-SHA256 Credential=local/19700101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      'x-amz-date': '19700101T000000Z',
    };
    const { port } = this.#server.address() as AddressInfo;
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

import * as http from 'node:http';
import * as https from 'node:https';
import type { EndpointAddress } from './endpoint-address';
import { InvalidArgumentError } from './errors';

/** One HTTP request to a microVM. */
export interface ExchangeRequest {
  readonly address: EndpointAddress;
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body?: AsyncIterable<Uint8Array>;
  /** The connection may have been idle for long: a request that must not run twice would not learn whether it arrived. */
  readonly repeatable: boolean;
  readonly signal: AbortSignal;
  /** Called as the body moves. */
  readonly onProgress: () => void;
}

/** The request failed before an answer came. */
export class ExchangeError extends Error {
  /** False if no byte can have reached the guest. */
  readonly mayHaveArrived: boolean;

  constructor(cause: unknown, mayHaveArrived: boolean) {
    const { code, name = 'unknown' } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
    super(`the connection failed (${code ?? name})`, { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** Keep-alive connections to microVMs, over HTTP/1.1: uploads over the platform's HTTP/2 are several times slower. */
export class Connections {
  readonly #agents = new Map<string, http.Agent>();

  /** Sends a request and resolves with the answer's head. Follows no redirect. */
  async send(request: ExchangeRequest): Promise<http.IncomingMessage> {
    const { address, signal } = request;
    const outgoing = this.#begin(request);
    let connected = false;
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) connected = true;
      else socket.once(address.secure ? 'secureConnect' : 'connect', () => { connected = true; });
    });
    return new Promise((resolve, reject) => {
      outgoing.on('error', (error) => reject(signal.aborted ? signal.reason : new ExchangeError(error, connected)));
      outgoing.on('response', resolve);
      writeBody(outgoing, request).catch((error: unknown) => {
        outgoing.destroy();
        reject(error);
      });
    });
  }

  /** Closes what is idle. Requests under way go on. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #begin({ address, method, path, headers, signal, repeatable }: ExchangeRequest): http.ClientRequest {
    const { hostname, port } = address;
    const target = { hostname, port, method, path, headers, signal, agent: this.#agent(address, repeatable) };
    try {
      return address.secure
        ? https.request({ ...target, servername: address.host, rejectUnauthorized: true })
        : http.request(target);
    } catch (error) {
      // Node's message is left out: it may quote the value of a header.
      const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
      throw new InvalidArgumentError(`the request cannot be sent: its method, path or headers hold what HTTP does not allow (${code})`);
    }
  }

  #agent(address: EndpointAddress, repeatable: boolean): http.Agent {
    const name = `${address.secure} ${repeatable}`;
    let agent = this.#agents.get(name);
    if (!agent) {
      // Most servers close a connection after 5 idle seconds or later.
      const options = { keepAlive: true, maxFreeSockets: 32, timeout: repeatable ? 50_000 : 4000 };
      agent = address.secure ? new https.Agent(options) : new http.Agent(options);
      this.#agents.set(name, agent);
    }
    return agent;
  }
}

async function writeBody(outgoing: http.ClientRequest, { body, onProgress }: ExchangeRequest): Promise<void> {
  if (body) {
    for await (const chunk of body) {
      if (outgoing.destroyed || outgoing.writableEnded) return;
      if (!outgoing.write(chunk)) await drained(outgoing);
      onProgress();
    }
  }
  outgoing.end();
}

function drained(outgoing: http.ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    if (outgoing.destroyed) resolve();
    else outgoing.on('drain', done).on('close', done);
  });
}

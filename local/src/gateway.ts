import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ApiCall, ApiRequest, ApiResponse, ApiService, Guard } from './api';
import type { Clock } from './clock';
import { overConduits } from './conduit/over-conduits';
import { isFromForeignPage } from './foreign-page';
import { signerOf, unsignedService } from './iam/signer';
import { lambdaServiceOf, operationOf } from './operations';
import { bucketOfHost, pathStyle } from './services/s3/virtual-host';

/** Serves the endpoints of microVMs; their traffic is passed on as it comes. */
export interface EndpointProxy {
  isEndpointHost(host: string): boolean;
  handleEndpoint(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface GatewayRoutes {
  readonly microvms: ApiService & EndpointProxy;
  /** By the service's name in the credential scope. */
  readonly services: Readonly<Record<string, ApiService>>;
  /** Where custom resources send their answers. */
  readonly responseHost: string;
  readonly responses: ApiService;
}

interface Exchange {
  readonly host: string;
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

/** Of an object. */
const MAX_BODY_BYTES = 1024 ** 3;
/** What Lambda takes, the largest of all other requests. */
const MAX_CALL_BYTES = 70_167_211;
const REFUSED_MS = 1000;
const FOREIGN_PAGE = problem(403, 'AccessDenied', 'the local cloud takes no requests from a web page; send them from a program, or follow a link to an object');
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

/** The one HTTP server of the local cloud: every service and every microVM endpoint, on loopback. */
export class Gateway {
  #server = overConduits(createServer((request, response) => void this.#serve(request, response)));
  #routes?: GatewayRoutes;

  constructor(private readonly clock: Clock, private readonly guards: readonly Guard[]) {
    // A command's output may stream for as long as its sandbox lives.
    this.#server.requestTimeout = 0;
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Answers the port. Port 0: a free one. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
    return (this.#server.address() as AddressInfo).port;
  }

  mount(routes: GatewayRoutes): void {
    this.#routes = routes;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = hostOf(request);
    const routes = this.#routes;
    if (!routes) return send(response, problem(503, 'ServiceUnavailable', 'the local cloud is starting'));
    if (routes.microvms.isEndpointHost(host)) return routes.microvms.handleEndpoint(request, response);
    response.setHeader('date', new Date(this.clock.now()).toUTCString());
    response.on('error', () => response.destroy());
    try {
      const service = namedService(request);
      if (isForeign(request, service)) return refuseRest(request, response, FOREIGN_PAGE);
      const limit = service === 's3' ? MAX_BODY_BYTES : MAX_CALL_BYTES;
      const body = await readBody(request, limit);
      if (!body) return refuseRest(request, response, problem(413, 'RequestEntityTooLarge', `the body is larger than ${limit} bytes`));
      await this.#dispatch(routes, { host, request, body, response });
    } catch (error) {
      // A caller that left in the middle has nobody to answer to.
      if (!response.headersSent && !response.destroyed) send(response, problem(500, 'InternalFailure', String(error)));
    }
  }

  async #dispatch(routes: GatewayRoutes, { host, request, body, response }: Exchange): Promise<void> {
    const { path, rawQuery, query } = targetOf(request);
    const headers = flatten(request.headers);
    const signer = signerOf(headers.authorization, query);
    const method = request.method ?? 'GET';
    const sent: ApiRequest = { method, path, query, rawQuery, headers, body, accessKeyId: signer?.accessKeyId ?? '' };
    const bucket = bucketOfHost(host);
    const apiRequest = bucket === undefined ? sent : { ...sent, path: pathStyle(bucket, path), signedPath: path };

    if (host === routes.responseHost) return send(response, await routes.responses.handle(sent));
    // A web page in a browser on this machine reaches loopback too, under a name of its own.
    if (!LOOPBACK.test(host) && bucket === undefined) return send(response, problem(421, 'MisdirectedRequest', `no service of the local cloud has the host name "${host}"`));
    const scope = bucket === undefined ? signer?.service ?? unsignedService(apiRequest) : 's3';
    const name = scope === 'lambda' ? lambdaServiceOf(path) : scope;
    const known = Object.hasOwn(routes.services, name) ? routes.services[name] : undefined;
    const service = name === 'microvms' ? routes.microvms : known;
    if (!service) return send(response, problem(501, 'NotImplemented', `the local cloud has no service "${name}"; it has ${Object.keys(routes.services).join(', ')}`));

    const call: ApiCall = { service: name, operation: operationOf(name, apiRequest), region: signer?.region ?? '', request: apiRequest };
    const answer = await this.#guarded(call, service);
    if (answer) send(response, answer, method);
  }

  /** Undefined: the answer is not to leave. */
  async #guarded(call: ApiCall, service: ApiService): Promise<ApiResponse | undefined> {
    for (const guard of this.guards) {
      const refusal = await guard.admit?.(call);
      if (refusal) return refusal;
    }
    let answer: ApiResponse | undefined = await service.handle(call.request);
    for (const guard of this.guards) {
      if (guard.release) answer = await guard.release(call, answer);
      if (!answer) return undefined;
    }
    return answer;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const microvms = this.#routes?.microvms;
    if (microvms?.isEndpointHost(hostOf(request))) return microvms.handleUpgrade(request, socket, head);
    socket.on('error', () => socket.destroy());
    socket.end('HTTP/1.1 501 Not Implemented\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
}

/** The one reading of a request's target: all who decide about it see the same. */
function targetOf({ url = '/' }: IncomingMessage): { path: string; rawQuery?: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, query: new URLSearchParams() };
  const rawQuery = url.slice(at + 1);
  // One more question mark at its beginning would be dropped.
  return { path: url.slice(0, at), rawQuery, query: new URLSearchParams(`&${rawQuery}`) };
}

/** The service that a request says it is signed for, before its body is there. */
function namedService(request: IncomingMessage): string {
  return signerOf(request.headers.authorization, targetOf(request).query)?.service ?? 's3';
}

/** Undefined: it is too large; the rest of it is still to come. */
async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) return resolve(undefined);
      chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the caller left')));
  });
}

function isForeign(request: IncomingMessage, service: string): boolean {
  const { method = 'GET', headers } = request;
  return isFromForeignPage({ method, headers, readsObject: service === 's3' && !targetOf(request).path.startsWith('/20') });
}

/** The caller gets some time to read the answer while it still sends. */
function refuseRest(request: IncomingMessage, response: ServerResponse, answer: ApiResponse): void {
  request.removeAllListeners('data').resume();
  send(response, { ...answer, headers: { ...answer.headers, connection: 'close' } });
  setTimeout(() => request.destroy(), REFUSED_MS).unref();
}

function flatten(headers: IncomingMessage['headers']): Record<string, string> {
  const flat = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value ?? '']);
  return Object.fromEntries(flat);
}

function problem(status: number, code: string, message: string): ApiResponse {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
  return { status, headers, body: JSON.stringify({ __type: code, message }) };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: ApiResponse, method = ''): void {
  const bytes = Buffer.from(body);
  // An answer to HEAD names the length of the body that it leaves out.
  const length = method === 'HEAD' ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { 'x-amzn-requestid': crypto.randomUUID(), ...headers, ...length });
  response.end(method === 'HEAD' ? undefined : bytes);
}

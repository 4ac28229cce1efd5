import { requestBody, webStream } from './bytes-to-send';
import { bytesBody } from './daemon';
import { Deadline } from './deadline';
import type { Endpoint } from './endpoint';
import type { EndpointAnswer, EndpointRequest, RequestBody } from './endpoint-request';
import { InvalidArgumentError, SandboxError } from './errors';

/** What `Sandbox.fetch` takes beside the standard options. */
export interface FetchInit extends Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'> {
  /**
   * Milliseconds until the answer's head must be there, with all retries. The body has no limit but `signal`.
   *
   * @default 60000
   */
  readonly requestTimeoutMs?: number;
}

/** Methods whose repetition changes nothing, so that a microVM may be woken under them. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

/** The names that HTTP allows. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Z-]+$/;
/** Methods that mean the connection and not the program; the standard refuses them too. */
const REFUSED_METHODS = ['CONNECT', 'TRACE', 'TRACK'];

/** Headers of one connection: this side's connection is not the program's. */
const NOT_PASSED_ON = [
  'host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'te', 'trailer', 'upgrade', 'expect', 'proxy-connection',
];

/** Sends a request to a program of the user's own. Redirects are answers like any other: following one could lead anywhere. */
export async function fetchPort(endpoint: Endpoint, port: number, path: string, init: FetchInit): Promise<Response> {
  const method = (init.method ?? 'GET').toUpperCase();
  const safe = SAFE_METHODS.includes(method);
  checkPort(port);
  if (!METHOD.test(method) || REFUSED_METHODS.includes(method)) {
    throw new InvalidArgumentError(`method: ${JSON.stringify(init.method)} cannot be sent; use one like GET or POST`);
  }
  const { headers, body } = await requestParts(method, init);
  const signal = init.signal ?? undefined;
  const { requestTimeoutMs } = init;
  const deadline = new Deadline({
    clock: endpoint.clock, what: `${method} to port ${port}`, requestTimeoutMs, signal, retryable: safe, sandboxId: endpoint.sandboxId,
  });
  const request = { port, method, path: requestTarget(path), headers, body, safe };
  return endpoint.request(request, deadline, async (answer) => toResponse(answer, method, signal));
}

export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new InvalidArgumentError(`port: ${String(port)} is not an integer from 1 to 65535`);
}

async function requestParts(method: string, init: FetchInit): Promise<Pick<EndpointRequest, 'headers' | 'body'>> {
  const given = new Headers(init.headers);
  for (const name of given.keys()) {
    if (name.startsWith('x-aws-proxy-')) throw new InvalidArgumentError(`headers: ${name} belongs to the platform`);
  }
  let body: RequestBody | undefined;
  if (init.body !== undefined && init.body !== null) {
    if (method === 'GET' || method === 'HEAD') throw new InvalidArgumentError(`body: a ${method} request has none`);
    if (init.body instanceof ReadableStream) {
      body = requestBody(init.body, 'body');
    } else {
      // The standard's own reading of a body, with the content type that goes with it.
      const read = new Response(init.body);
      const contentType = read.headers.get('content-type');
      if (contentType !== null && !given.has('content-type')) given.set('content-type', contentType);
      body = bytesBody(new Uint8Array(await read.arrayBuffer()));
    }
  }
  if (!given.has('accept-encoding')) given.set('accept-encoding', 'identity');
  for (const name of NOT_PASSED_ON) given.delete(name);
  return { headers: Object.fromEntries(given), body };
}

function requestTarget(path: string): string {
  const base = 'http://sandbox';
  const url = URL.canParse(path, base) ? new URL(path, base) : undefined;
  if (!url || url.origin !== base) {
    throw new InvalidArgumentError(`path: ${JSON.stringify(path)} is not a path on the sandbox's port, like /index.html?a=b`);
  }
  return url.pathname + url.search;
}

function toResponse(answer: EndpointAnswer, method: string, signal: AbortSignal | undefined): Response {
  const headers = new Headers();
  for (let at = 0; at < answer.rawHeaders.length; at += 2) {
    const name = answer.rawHeaders[at].toLowerCase();
    if (!NOT_PASSED_ON.includes(name) || name === 'content-length') headers.append(name, answer.rawHeaders[at + 1]);
  }
  const { status } = answer;
  if (status < 200 || status > 599) throw new SandboxError(`the program answered with status ${status}, which is not one of 200 to 599`);
  const statusText = /^[\t\x20-\x7e]*$/.test(answer.statusText) ? answer.statusText : '';
  const empty = method === 'HEAD' || [204, 205, 304].includes(status);
  if (empty) answer.body.release();
  const body = empty ? null : webStream(answer.body.stream({ signal }), () => answer.body.destroy());
  return new Response(body, { status, statusText, headers });
}

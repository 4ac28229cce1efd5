import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Refusal } from './endpoint-access';
import { guestProtocols } from './endpoint-protocols';

const PROXY_HEADERS = 'x-aws-proxy-';
const REQUEST_ID = 'x-amzn-requestid';

/** Headers of one connection, not of the message. */
const HOP_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/** Methods whose requests Node sends with a body unless it is told that there is none. */
const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH'];

/** A refused client has this long to read why before the connection ends. */
const LINGER_MS = 1000;

/** The request's headers as the guest gets to see them: nothing of the proxy's own. `host` is the endpoint's name. */
export function guestHeaders(request: IncomingMessage, host: string): string[] {
  const headers = ['host', host];
  for (const [name, value] of pairs(request.rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower.startsWith(PROXY_HEADERS) || lower === 'host' || lower === REQUEST_ID) continue;
    if (lower !== 'sec-websocket-protocol') headers.push(name, value);
    else if (guestProtocols(value) !== '') headers.push(name, guestProtocols(value));
  }
  headers.push(REQUEST_ID, randomUUID());
  return headers;
}

/** The headers of a plain request, with the framing of its body. */
export function plainHeaders(request: IncomingMessage, host: string): string[] {
  const headers = endToEnd(guestHeaders(request, host), ['transfer-encoding']);
  const framed = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  if (!framed && METHODS_WITH_BODY.includes(request.method ?? '')) headers.push('content-length', '0');
  headers.push('connection', 'keep-alive');
  return headers;
}

/** Names and values one after the other, without those that concern one connection only. */
export function endToEnd(rawHeaders: readonly string[], also: readonly string[] = []): string[] {
  return pairs(rawHeaders).filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_HEADERS.includes(lower) || also.includes(lower);
  }).flat();
}

/** What may follow a chunked body: nothing that would say how the body is framed. */
export function trailersOf({ rawTrailers }: IncomingMessage): [string, string][] {
  return pairs(endToEnd(rawTrailers));
}

/** An answer's head for a connection that is no HTTP from here on. Undefined: no server may send it. */
export function rawHead({ statusCode = 0, statusMessage = '' }: IncomingMessage, headers: readonly string[]): string | undefined {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...pairs(headers).map(([name, value]) => `${name}: ${value}`)];
  const clean = statusCode >= 100 && lines.every((line) => /^[\t\x20-\x7e\x80-\xff]*$/.test(line));
  return clean ? `${lines.join('\r\n')}\r\n\r\n` : undefined;
}

/** Turns a plain request away. */
export function refuse(response: ServerResponse, error: unknown): void {
  const { status, message } = error instanceof Refusal ? error : new Refusal(502);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.statusMessage = '';
  response.writeHead(status, { ...refusalHeaders(status), 'content-length': Buffer.byteLength(message) });
  response.end(message);
}

/** Turns an upgrade away. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, message } = error instanceof Refusal ? error : new Refusal(502);
  const headers = { ...refusalHeaders(status), 'content-length': String(Buffer.byteLength(message)), 'connection': 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${message}`);
  lingerThenClose(socket);
}

/** Ends a connection whose client may go on sending; what it sends until then is dropped. */
export function lingerThenClose(socket: Duplex): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function refusalHeaders(status: number): Record<string, string> {
  return status === 403 ? { 'cache-control': 'private, no-store', 'content-type': 'text/plain' } : {};
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2], raw[index * 2 + 1]]);
}

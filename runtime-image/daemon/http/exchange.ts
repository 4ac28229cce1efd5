import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid } from '../errors';

/** A request to the API that passed the gate. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The `{id}` of the route; empty where it has none. */
  readonly id: string;
}

/** The request's bytes. Stopping early leaves the connection open, so that the error can still be answered. */
export function bodyOf(exchange: Exchange): AsyncIterable<Buffer> {
  return exchange.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204);
  response.end();
}

export function pathParameter(exchange: Exchange): string {
  const path = exchange.query.get('path');
  if (path === null) throw invalid('path: missing; add ?path= with the percent-encoded path');
  return path;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number of the query string. */
export function integerParameter(exchange: Exchange, name: string, bounds: Bounds): number | undefined {
  const text = exchange.query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < bounds.min || value > bounds.max) {
    throw invalid(`${name}: ${JSON.stringify(text.slice(0, 40))} is not a whole number from ${bounds.min} to ${bounds.max}`);
  }
  return value;
}

export function flagParameter(exchange: Exchange, name: string): boolean {
  const text = exchange.query.get(name);
  if (text === null || text === 'false') return false;
  if (text === 'true') return true;
  throw invalid(`${name}: ${JSON.stringify(text.slice(0, 40))} is neither true nor false`);
}

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PROXY_AUTH_HEADER, PROXY_PORT_HEADER } from 'microvm-sandbox/protocol';
import { connectorArn, type Place } from './arns';
import type { Clock } from '../clock';
import type { Fleet } from './fleet';
import type { Microvm } from './microvm';

const DEFAULT_PORT = 8080;
const PROXY_HEADERS = 'x-aws-proxy-';
const PROXY_PROTOCOL = 'lambda-microvms';
const AUTHENTICATION_PROTOCOL = `${PROXY_PROTOCOL}.authentication.`;
const PORT_PROTOCOL = `${PROXY_PROTOCOL}.port.`;

/** Why the proxy turns a request away. Some refusals have no body. */
export class Refusal extends Error {
  constructor(readonly status: 400 | 403 | 502, body = '') {
    super(body);
  }
}

export interface Access {
  readonly microvm: Microvm;
  readonly port: number;
}

/** Decides who may reach which port of which microVM. Throws a `Refusal`. */
export class EndpointAccess {
  readonly #place: Place;
  readonly #fleet: Fleet;
  readonly #clock: Clock;

  constructor(environment: { readonly place: Place; readonly fleet: Fleet; readonly clock: Clock }) {
    this.#place = environment.place;
    this.#fleet = environment.fleet;
    this.#clock = environment.clock;
  }

  check(request: IncomingMessage): Access {
    const protocols = request.headers.upgrade === undefined ? [] : offeredProtocols(request.headers);
    const claims = this.#fleet.tokens.open(readToken(request.headers, protocols));
    if (!claims) throw new Refusal(403, 'Request missing authentication');
    const microvm = this.#fleet.findByHost(request.headers.host ?? '');
    const valid = claims.microvmId === microvm?.id && this.#clock.now() < claims.expiresAt;
    if (!microvm || !valid || !this.#isOpen(microvm)) throw new Refusal(403, 'Token authentication failed');
    const port = readPort(request.headers, protocols);
    if (!claims.ports.some(([from, to]) => from <= port && port <= to)) throw new Refusal(403, 'Access to port denied');
    return { microvm, port };
  }

  #isOpen(microvm: Microvm): boolean {
    const { ingressNetworkConnectors: ingress } = microvm.settings;
    return (['HTTP_INGRESS', 'ALL_INGRESS'] as const).some((name) => ingress.includes(connectorArn(this.#place, name)));
  }
}

/** The request's headers as the guest gets to see them: nothing of the proxy's own. */
export function guestHeaders(request: IncomingMessage): string[] {
  const headers: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const [name, value] = [request.rawHeaders[index], request.rawHeaders[index + 1]];
    const lower = name.toLowerCase();
    if (lower.startsWith(PROXY_HEADERS)) continue;
    if (lower !== 'sec-websocket-protocol') {
      headers.push(name, value);
      continue;
    }
    const kept = splitProtocols(value).filter((protocol) => !isProxyProtocol(protocol));
    if (kept.length > 0) headers.push(name, kept.join(', '));
  }
  return headers;
}

/** The subprotocol that a client gets which offered the proxy's and whose application chose none. */
export function fallbackProtocol(request: IncomingMessage): string | undefined {
  return offeredProtocols(request.headers).includes(PROXY_PROTOCOL) ? PROXY_PROTOCOL : undefined;
}

function readToken(headers: IncomingHttpHeaders, protocols: readonly string[]): string {
  const header = headers[PROXY_AUTH_HEADER];
  if (typeof header === 'string') return header;
  const protocol = protocols.find((candidate) => candidate.startsWith(AUTHENTICATION_PROTOCOL));
  return protocol?.slice(AUTHENTICATION_PROTOCOL.length) ?? '';
}

function readPort(headers: IncomingHttpHeaders, protocols: readonly string[]): number {
  const protocol = protocols.find((candidate) => candidate.startsWith(PORT_PROTOCOL))?.slice(PORT_PROTOCOL.length);
  const named = headers[PROXY_PORT_HEADER] ?? protocol;
  if (named === undefined) return DEFAULT_PORT;
  const port = typeof named === 'string' && /^\d{1,5}$/.test(named) ? Number(named) : 0;
  if (port < 1 || port > 65_535) throw new Refusal(400);
  return port;
}

function offeredProtocols(headers: IncomingHttpHeaders): string[] {
  return splitProtocols(headers['sec-websocket-protocol'] ?? '');
}

function splitProtocols(value: string): string[] {
  return value.split(',').map((protocol) => protocol.trim()).filter(Boolean);
}

function isProxyProtocol(protocol: string): boolean {
  return protocol === PROXY_PROTOCOL || protocol.startsWith(`${PROXY_PROTOCOL}.`);
}

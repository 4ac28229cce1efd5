import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROXY_AUTH_HEADER, PROXY_PORT_HEADER } from 'microvm-sandbox/protocol';
import { type ProxyProtocols, proxyProtocols } from './endpoint-protocols';
import type { Clock } from '../../clock';
import type { Fleet } from '../fleet/fleet';
import type { Microvm } from '../fleet/microvm';
import type { MicrovmState } from '../fleet/microvm-record';
import type { ImageConfiguration } from '../images/image-input';
import type { Machine } from '../machine/machine';
import { connectorArn, type Place } from '../wire/arns';

const DEFAULT_PORT = 8080;

/** Why the proxy turns a request away. Some refusals have no body. */
export class Refusal extends Error {
  constructor(readonly status: 400 | 403 | 502, body = '') {
    super(body);
  }
}

/** What the endpoint needs of a microVM. */
export interface ReachableMicrovm {
  readonly id: string;
  readonly state: MicrovmState;
  readonly guest: { readonly version: { readonly configuration: Pick<ImageConfiguration, 'resources'> } };
  reach(): Promise<Pick<Machine, 'dial'> | undefined>;
  touch(): void;
  track(connection: Duplex): void;
}

export interface Access {
  readonly microvm: ReachableMicrovm;
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

  /** A plain request. */
  check(request: IncomingMessage): Access {
    return this.#check(request.headers, {});
  }

  /** A request for a WebSocket, which may carry the proxy's headers as subprotocols. */
  checkUpgrade(request: IncomingMessage): Access {
    return this.#check(request.headers, proxyProtocols(request.headers));
  }

  #check(headers: IncomingHttpHeaders, protocols: Partial<ProxyProtocols>): Access {
    const claims = this.#fleet.tokens.open(headerOf(headers, PROXY_AUTH_HEADER) ?? protocols.token ?? '');
    if (!claims) throw new Refusal(403, 'Request missing authentication');
    const microvm = this.#fleet.findByHost((headers.host ?? '').toLowerCase());
    const valid = claims.microvmId === microvm?.id && this.#clock.now() < claims.expiresAt;
    if (!microvm || !valid) throw new Refusal(403, 'Token authentication failed');
    // The shell is no port, and this machine has none to offer.
    if (claims.shell) throw new Refusal(502);
    if (!this.#isOpen(microvm)) throw new Refusal(403, 'Token authentication failed');
    const port = readPort(headerOf(headers, PROXY_PORT_HEADER) ?? protocols.port);
    if (!claims.ports.some(([from, to]) => from <= port && port <= to)) throw new Refusal(403, 'Access to port denied');
    return { microvm, port };
  }

  #isOpen(microvm: Microvm): boolean {
    const { ingressNetworkConnectors: ingress } = microvm.settings;
    return (['HTTP_INGRESS', 'ALL_INGRESS'] as const).some((name) => ingress.includes(connectorArn(this.#place, name)));
  }
}

/** A header's value; Node joins several of the same name with commas, which no value of the proxy's own has. */
function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function readPort(named: string | undefined): number {
  if (named === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(named) ? Number(named) : 0;
  if (port < 1 || port > 65_535) throw new Refusal(400);
  return port;
}

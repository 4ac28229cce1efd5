import type { PortRange } from './auth-tokens';
import type { Clock } from '../../clock';
import type { Fleet } from '../fleet/fleet';
import { terminatedError } from '../fleet/microvm-record';
import { connectorArn, type ManagedConnector, type Place } from '../wire/arns';
import { check, type Members } from '../wire/constraints';
import { invalid } from '../wire/errors';

const MAX_TOKEN_MINUTES = 60;

interface PortInput {
  readonly port?: number | null;
  readonly range?: { readonly startPort: number; readonly endPort: number } | null;
  readonly allPorts?: object | null;
}

export interface TokenInput {
  readonly expirationInMinutes?: number;
  readonly allowedPorts?: readonly PortInput[];
}

const PORT = { type: 'integer', min: 1, max: 65_535 } as const;
const EXPIRATION: Members = { expirationInMinutes: { type: 'integer', required: true, min: 1 } };
const TOKEN: Members = {
  ...EXPIRATION,
  allowedPorts: {
    type: 'list',
    required: true,
    min: 1,
    items: {
      type: 'union',
      members: {
        port: PORT,
        range: { type: 'structure', members: { startPort: { ...PORT, required: true }, endPort: { ...PORT, required: true } } },
        allPorts: { type: 'structure' },
      },
    },
  },
};

/** CreateMicrovmAuthToken and CreateMicrovmShellAuthToken. */
export class TokenOperations {
  constructor(private readonly place: Place, private readonly fleet: Fleet, private readonly clock: Clock) {}

  create(id: string, input: TokenInput): object {
    check(input as Record<string, unknown>, TOKEN);
    this.#assertAlive(id);
    const expiresAt = this.#expiry(input);
    const ports = (input.allowedPorts ?? []).map(readPorts);
    return { authToken: { 'X-aws-proxy-auth': this.fleet.tokens.mint({ microvmId: id, ports, expiresAt }) } };
  }

  createForShell(id: string, input: TokenInput): object {
    check(input as Record<string, unknown>, EXPIRATION);
    this.#assertAlive(id);
    const expiresAt = this.#expiry(input);
    this.#assertShell(this.fleet.find(id).settings.ingressNetworkConnectors);
    return { authToken: { 'X-aws-proxy-auth': this.fleet.tokens.mint({ microvmId: id, ports: [], expiresAt, shell: true }) } };
  }

  /** A suspended microVM's tokens are of use once it is resumed; those of one that ends are not. */
  #assertAlive(id: string): void {
    if (this.fleet.alive(id).state !== 'TERMINATING') return;
    throw terminatedError(id);
  }

  #expiry({ expirationInMinutes = 0 }: TokenInput): number {
    if (expirationInMinutes > MAX_TOKEN_MINUTES) {
      throw invalid(`ExpirationMinutes ${expirationInMinutes} exceeded max allowed of ${MAX_TOKEN_MINUTES}.`);
    }
    return this.clock.now() + expirationInMinutes * 60_000;
  }

  #assertShell(ingress: readonly string[]): void {
    const has = (name: ManagedConnector): boolean => ingress.includes(connectorArn(this.place, name));
    if (has('ALL_INGRESS') && ingress.length > 1) {
      throw invalid('ALL_INGRESS cannot be combined with other ingress network connectors; use HTTP_INGRESS and/or SHELL_INGRESS instead');
    }
    if (has('SHELL_INGRESS')) return;
    throw invalid('Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.');
  }
}

function readPorts({ port, range }: PortInput): PortRange {
  if (port) return [port, port];
  if (!range) return [1, 65_535];
  if (range.startPort > range.endPort) throw invalid(`The port range ${range.startPort}-${range.endPort} ends before it starts.`);
  return [range.startPort, range.endPort];
}

import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { invalid } from '../wire/errors';

export type PortRange = readonly [from: number, to: number];

export interface Claims {
  readonly microvmId: string;
  /** Empty in a token for the shell, which is no port. */
  readonly ports: readonly PortRange[];
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** The token opens the shell, and nothing else. */
  readonly shell?: boolean;
}

/** What is sealed in a token. Every port is open where no list is. */
interface Sealed {
  readonly microvmId: string;
  readonly expiresAt: number;
  readonly ports?: string;
  readonly shell?: true;
}

const LAST_PORT = 65_535;

/** The service's tokens have 823 characters with a list of ports and 767 without one; these sizes give the same. */
const BYTES_WITH_LIST = 511;
const BYTES_WITHOUT_LIST = 469;

/** The longest value that the service's model allows in `authToken`. */
const MAX_TOKEN_CHARS = 8000;

/** Endpoint tokens: compact JWEs (`dir`, `A256GCM`) under a key that lives and dies with this service. */
export class AuthTokens {
  readonly #key = randomBytes(32);
  readonly #header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: randomUUID() })).toString('base64url');

  /** Throws a ValidationException if the ports do not fit into a token. */
  mint({ microvmId, ports, expiresAt, shell }: Claims): string {
    const merged = merge(ports);
    const list = shell || isEveryPort(merged) ? {} : { ports: pack(merged) };
    const sealed: Sealed = { microvmId, expiresAt, ...list, ...(shell ? { shell } : {}) };
    const text = JSON.stringify(sealed).padEnd(sealed.ports === undefined ? BYTES_WITHOUT_LIST : BYTES_WITH_LIST);
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(this.#header));
    const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
    const token = [this.#header, '', ...[iv, encrypted, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
    if (token.length <= MAX_TOKEN_CHARS) return token;
    throw invalid(`The ${merged.length} separate port ranges in allowedPorts do not fit into a token; use wider ranges.`);
  }

  /** What a token says, or undefined if this service did not mint it. */
  open(token: string): Claims | undefined {
    const [header, key, ...sealed] = token.split('.');
    if (header !== this.#header || key !== '' || sealed.length !== 3) return undefined;
    const [iv, text, tag] = sealed.map((part) => Buffer.from(part, 'base64url'));
    // One token has one spelling.
    if ([iv, text, tag].some((part, index) => part.toString('base64url') !== sealed[index])) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: 16 })
        .setAAD(Buffer.from(header)).setAuthTag(tag);
      return readClaims(JSON.parse(Buffer.concat([decipher.update(text), decipher.final()]).toString()) as Sealed);
    } catch {
      return undefined;
    }
  }
}

function readClaims({ microvmId, expiresAt, ports, shell }: Sealed): Claims {
  if (shell) return { microvmId, expiresAt, ports: [], shell };
  return { microvmId, expiresAt, ports: ports === undefined ? [[1, LAST_PORT]] : unpack(ports) };
}

/** The same ports in as few ranges as possible, in order. */
function merge(ports: readonly PortRange[]): PortRange[] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ports].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function isEveryPort(ports: readonly PortRange[]): boolean {
  return ports.length === 1 && ports[0][0] === 1 && ports[0][1] === LAST_PORT;
}

function pack(ports: readonly PortRange[]): string {
  return Buffer.from(Uint16Array.from(ports.flat()).buffer).toString('base64');
}

function unpack(packed: string): PortRange[] {
  const bytes = Buffer.from(packed, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, index): PortRange => (
    [bytes.readUInt16LE(index * 4), bytes.readUInt16LE(index * 4 + 2)]
  ));
}

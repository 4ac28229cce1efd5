import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';

export type PortRange = readonly [from: number, to: number];

export interface Claims {
  readonly microvmId: string;
  readonly ports: readonly PortRange[];
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Tokens are about as long as the service's, whatever they hold. */
const CLAIMS_BYTES = 512;

/** Endpoint tokens: compact JWEs (`dir`, `A256GCM`) under a key that lives and dies with this service. */
export class AuthTokens {
  readonly #key = randomBytes(32);
  readonly #header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: randomUUID() })).toString('base64url');

  mint(claims: Claims): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(this.#header));
    const text = Buffer.concat([cipher.update(JSON.stringify(claims).padEnd(CLAIMS_BYTES)), cipher.final()]);
    return [this.#header, '', ...[iv, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
  }

  /** What a token says, or undefined if this service did not mint it. */
  open(token: string): Claims | undefined {
    const [header, key, iv, text, tag, ...rest] = token.split('.');
    if (header !== this.#header || key !== '' || tag === undefined || rest.length > 0) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
        .setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'));
      const opened = Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]);
      return JSON.parse(opened.toString()) as Claims;
    } catch {
      return undefined;
    }
  }
}

import { createHash } from 'node:crypto';
import type { Clock } from '../../clock';
import { ServiceError } from '../service-error';
import type { Json } from './dynalite-store';

/** How long a ClientRequestToken is remembered. */
const TOKEN_MS = 10 * 60_000;

export interface Attempt {
  readonly fingerprint: string;
  readonly expiresAt: number;
}

/** Which transactions were done, by the token that their caller gave: none is done twice. */
export class TransactionTokens {
  readonly #attempts = new Map<string, Attempt>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** Throws if the token was that of another transaction. */
  wasDone({ ClientRequestToken: token, TransactItems: items }: Json): boolean {
    for (const [known, { expiresAt }] of this.#attempts) {
      if (expiresAt <= this.clock.now()) this.#attempts.delete(known);
    }
    const attempt = typeof token === 'string' ? this.#attempts.get(token) : undefined;
    if (attempt && attempt.fingerprint !== fingerprintOf(items)) {
      throw new ServiceError('IdempotentParameterMismatchException', 'The request uses the same client token as a previous, but non-identical request.');
    }
    return attempt !== undefined;
  }

  remember({ ClientRequestToken: token, TransactItems: items }: Json): void {
    if (typeof token !== 'string' || token === '') return;
    this.#attempts.set(token, { fingerprint: fingerprintOf(items), expiresAt: this.clock.now() + TOKEN_MS });
  }

  save(): [string, Attempt][] {
    return [...this.#attempts];
  }

  restore(attempts: readonly (readonly [string, Attempt])[]): void {
    for (const [token, attempt] of attempts) this.#attempts.set(token, attempt);
  }
}

function fingerprintOf(items: unknown): string {
  return createHash('sha256').update(JSON.stringify(items)).digest('hex');
}

import { createHash } from 'node:crypto';
import { ServiceError } from './errors';

interface Remembered<T> {
  readonly fingerprint: string;
  readonly result: T;
}

/** Remembers what a client token was used for, for good: the service never forgets one either. */
export class ClientTokens<T> {
  readonly #remembered = new Map<string, Remembered<T>>();

  /** What this token gave the first time, or undefined for a new token. Another request under the same token is refused. */
  recall(token: string | undefined, request: object): T | undefined {
    const earlier = token === undefined ? undefined : this.#remembered.get(token);
    if (!earlier) return undefined;
    if (earlier.fingerprint !== fingerprint(request)) {
      throw new ServiceError('ConflictException', 'The client token was already used for a request with different parameters.');
    }
    return earlier.result;
  }

  remember(token: string | undefined, request: object, result: T): T {
    if (token !== undefined) this.#remembered.set(token, { fingerprint: fingerprint(request), result });
    return result;
  }
}

function fingerprint(request: object): string {
  const canonical = JSON.stringify({ ...request, clientToken: undefined }, (_, value: unknown) => (
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  ));
  return createHash('sha256').update(canonical).digest('hex');
}

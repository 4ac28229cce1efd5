import { createHash } from 'node:crypto';
import { ServiceError } from './errors';

interface Remembered<T> {
  readonly fingerprint: string;
  readonly result: Promise<T>;
  /** Set once `result` is there. */
  done?: { readonly value: T };
}

/** What `save` answers and `restore` takes. */
export type SavedTokens<T> = readonly { readonly token: string; readonly fingerprint: string; readonly value: T }[];

export interface Once<T> {
  readonly value: T;
  /** The token was used before: nothing was done now. */
  readonly repeated: boolean;
}

/** Remembers what a client token was used for, for good: the service never forgets one either. */
export class ClientTokens<T> {
  readonly #remembered = new Map<string, Remembered<T>>();

  /**
   * Does `work`, or answers what it gave the first time under this token. Another request under the same token is refused. Work that
   * fails leaves its token free.
   */
  async once(token: string | null | undefined, request: object, work: () => Promise<T> | T): Promise<Once<T>> {
    if (token === undefined || token === null) return { value: await work(), repeated: false };
    const print = fingerprint(request);
    const earlier = this.#remembered.get(token);
    if (!earlier) return { value: await this.#begin(token, print, work), repeated: false };
    if (earlier.fingerprint !== print) {
      throw new ServiceError('ConflictException', 'The client token was already used for a request with different parameters.');
    }
    return { value: await earlier.result, repeated: true };
  }

  save(): SavedTokens<T> {
    return [...this.#remembered].flatMap(([token, { fingerprint: print, done }]) => (
      done ? [{ token, fingerprint: print, value: done.value }] : []
    ));
  }

  restore(saved: SavedTokens<T>): void {
    for (const { token, fingerprint: print, value } of saved) {
      this.#remembered.set(token, { fingerprint: print, result: Promise.resolve(value), done: { value } });
    }
  }

  async #begin(token: string, print: string, work: () => Promise<T> | T): Promise<T> {
    // A request that comes while this one is under way has to find it.
    const remembered: Remembered<T> = { fingerprint: print, result: Promise.resolve().then(work) };
    this.#remembered.set(token, remembered);
    try {
      const value = await remembered.result;
      remembered.done = { value };
      return value;
    } catch (error) {
      this.#remembered.delete(token);
      throw error;
    }
  }
}

function fingerprint(request: object): string {
  const canonical = JSON.stringify({ ...request, clientToken: undefined }, (_, value: unknown) => (
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(membersOf(value))
      : value
  ));
  return createHash('sha256').update(canonical).digest('hex');
}

/** Those that are set, in an order of their own: what a client leaves out may also come as null. */
function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== null).sort(([a], [b]) => (a < b ? -1 : 1));
}

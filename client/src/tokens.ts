import type { Clock } from './clock';
import { SandboxError } from './errors';
import type { Connection } from './protocol';

/** The share of its life after which a token is replaced. */
const REFRESH_AT = 0.8;

/** Trust a fresh token at least this long, or a fast clock on this side would refresh it before every request. */
const LEAST_LIFE_MS = 30_000;

interface CachedToken {
  readonly token: string;
  readonly ports: readonly number[];
  readonly refreshAt: number;
  readonly expiresAt: number;
}

/** The platform tokens of one microVM: a token per set of ports, one refresh at a time for each. */
export class Tokens {
  readonly #clock: Clock;
  readonly #fetch: (ports: readonly number[]) => Promise<Connection>;
  readonly #cached = new Map<number, CachedToken>();
  readonly #refreshing = new Map<string, Promise<CachedToken>>();

  constructor(clock: Clock, fetch: (ports: readonly number[]) => Promise<Connection>) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  put(connection: Connection): CachedToken {
    const now = this.#clock.now();
    const lifeMs = Math.max(connection.tokenExpiresAt - now, LEAST_LIFE_MS);
    const { token, ports } = connection;
    const cached = { token, ports, refreshAt: now + lifeMs * REFRESH_AT, expiresAt: now + lifeMs };
    for (const port of ports) this.#cached.set(port, cached);
    return cached;
  }

  /** A token for `port` that is good for a while. */
  async get(port: number): Promise<CachedToken> {
    const cached = this.#cached.get(port);
    if (cached && this.#clock.now() < cached.refreshAt) return cached;
    try {
      return await this.#refresh(cached?.ports ?? [port], port);
    } catch (error) {
      const usable = cached && this.#clock.now() < cached.expiresAt;
      if (usable && error instanceof SandboxError && error.retryable) return cached;
      throw error;
    }
  }

  /** Forgets a token that the proxy refused, unless another request has replaced it already. */
  drop(port: number, token: string): void {
    const cached = this.#cached.get(port);
    if (cached?.token !== token) return;
    for (const covered of cached.ports) this.#cached.delete(covered);
  }

  clear(): void {
    this.#cached.clear();
  }

  async #refresh(ports: readonly number[], port: number): Promise<CachedToken> {
    const name = ports.join();
    let refresh = this.#refreshing.get(name);
    if (!refresh) {
      refresh = this.#fetch(ports)
        .then((connection) => this.put(connection))
        .finally(() => this.#refreshing.delete(name));
      this.#refreshing.set(name, refresh);
    }
    const fresh = await refresh;
    if (!fresh.ports.includes(port)) throw new SandboxError(`the allocator's token does not open port ${port}`);
    return fresh;
  }
}

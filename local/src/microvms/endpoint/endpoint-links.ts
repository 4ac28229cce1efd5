import { Transform } from 'node:stream';
import type { ReachableMicrovm } from './endpoint-access';
import type { Clock } from '../../clock';

interface Limits {
  readonly bytesPerSecond: number;
  readonly connections: number;
}

const MEGABYTE = 1_000_000;

/** What the endpoint of a microVM carries, by its memory in MiB. */
const LIMITS: Readonly<Record<number, Limits>> = {
  512: { bytesPerSecond: MEGABYTE, connections: 8 },
  1024: { bytesPerSecond: 2 * MEGABYTE, connections: 16 },
  2048: { bytesPerSecond: 4 * MEGABYTE, connections: 32 },
  4096: { bytesPerSecond: 8 * MEGABYTE, connections: 64 },
  8192: { bytesPerSecond: 16 * MEGABYTE, connections: 128 },
};

/** What one request or WebSocket holds of its microVM's link. */
export interface Lease {
  /** Streams that bytes of this request have to pass in either direction: none where nothing is limited. */
  throttles(): Transform[];
  /** To be called once nothing moves any more. */
  release(): void;
}

const UNLIMITED: Lease = { throttles: () => [], release: () => undefined };

/** The links between the endpoints and their microVMs, as wide as each microVM's size has them. */
export class Links {
  readonly #links = new WeakMap<ReachableMicrovm, Link>();

  constructor(private readonly clock: Clock, private readonly limited: boolean) {}

  /** Waits while as many requests are under way as the microVM's size allows. */
  async lease(microvm: ReachableMicrovm): Promise<Lease> {
    if (!this.limited) return UNLIMITED;
    const link = this.#links.get(microvm) ?? new Link(this.clock, limitsOf(microvm));
    this.#links.set(microvm, link);
    await link.enter();
    let released = false;
    return {
      throttles: () => [link.throttle()],
      release: () => {
        if (!released) link.leave();
        released = true;
      },
    };
  }
}

/** The link of one microVM: a token bucket that both directions share, and its connections. */
class Link {
  #connections = 0;
  readonly #waiting: (() => void)[] = [];
  #tokens: number;
  #filledAt: number;

  constructor(private readonly clock: Clock, private readonly limits: Limits) {
    this.#tokens = limits.bytesPerSecond;
    this.#filledAt = clock.now();
  }

  async enter(): Promise<void> {
    if (this.#connections < this.limits.connections) this.#connections += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waited longest takes the place. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#connections -= 1;
  }

  throttle(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        const waitMs = this.#take(chunk.length);
        if (waitMs > 0) this.clock.after(waitMs, () => done(null, chunk));
        else done(null, chunk);
      },
    });
  }

  /** Takes bytes out of the bucket, which holds those of one second at most; answers how long they have to wait. */
  #take(bytes: number): number {
    const now = this.clock.now();
    const { bytesPerSecond } = this.limits;
    this.#tokens = Math.min(bytesPerSecond, this.#tokens + ((now - this.#filledAt) / 1000) * bytesPerSecond);
    this.#filledAt = now;
    this.#tokens -= bytes;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / bytesPerSecond) * 1000);
  }
}

function limitsOf({ guest }: ReachableMicrovm): Limits {
  return LIMITS[guest.version.configuration.resources[0]?.minimumMemoryInMiB] ?? LIMITS[2048];
}

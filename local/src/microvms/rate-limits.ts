import type { Clock } from '../clock';
import type { RatedOperation } from './quotas';
import { ServiceError } from './wire/errors';

/** The service holds RunMicrovm back for so long before it refuses it. */
const LONGEST_HOLD_MS: Readonly<Partial<Record<RatedOperation, number>>> = { RunMicrovm: 1200 };

interface Bucket {
  readonly perSecond: number;
  /** Below zero: calls are held back. */
  tokens: number;
  filledAt: number;
}

/** A token bucket per operation: as many calls at once as come in a second. */
export class RateLimits {
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock, rates: Readonly<Partial<Record<RatedOperation, number>>>) {
    for (const [operation, perSecond] of Object.entries(rates)) {
      this.#buckets.set(operation, { perSecond, tokens: perSecond, filledAt: clock.now() });
    }
  }

  /** Resolves when the call may go on; throws what the service answers to a call too many. */
  async admit(operation: string): Promise<void> {
    const bucket = this.#buckets.get(operation);
    if (!bucket) return;
    const now = this.clock.now();
    bucket.tokens = Math.min(bucket.perSecond, bucket.tokens + (now - bucket.filledAt) / 1000 * bucket.perSecond);
    bucket.filledAt = now;
    const waitMs = Math.max(0, (1 - bucket.tokens) / bucket.perSecond * 1000);
    if (waitMs > (LONGEST_HOLD_MS[operation as RatedOperation] ?? 0)) throw new ServiceError('ThrottlingException', 'Rate exceeded');
    bucket.tokens -= 1;
    if (waitMs > 0) await this.clock.sleep(waitMs);
  }
}

import { ServiceError } from '../service-error';
import type { Json } from './dynalite-store';
import type { Clock, Timer } from '../../clock';

/** DynamoDB takes up to days; local items go within this time of the cloud's clock. */
const SWEEP_MS = 60 * 60_000;

type RemoveExpired = (table: string, expired: (item: Json) => boolean) => Promise<void>;

/** Removes items whose time is over, once an hour for each table that asks for it. */
export class TimeToLive {
  readonly #tables = new Map<string, { attribute: string; timer: Timer }>();

  constructor(private readonly clock: Clock, private readonly removeExpired: RemoveExpired) {}

  /** As UpdateTimeToLive does it; answers what is now. */
  update(table: string, specification: unknown): Json {
    const { Enabled, AttributeName } = (specification ?? {}) as { Enabled?: boolean; AttributeName?: string };
    if (typeof Enabled !== 'boolean' || !AttributeName) {
      throw new ServiceError('ValidationException', 'TimeToLiveSpecification must have Enabled and AttributeName');
    }
    const { AttributeName: current } = this.describe(table);
    if (Enabled && current !== undefined && current !== AttributeName) {
      throw new ServiceError('ValidationException', `TimeToLive is active on a different AttributeName: current AttributeName is ${String(current)}`);
    }
    if (Enabled === (current !== undefined)) throw new ServiceError('ValidationException', `TimeToLive is already ${Enabled ? 'enabled' : 'disabled'}`);
    if (Enabled) this.enable(table, AttributeName);
    else this.disable(table);
    return { Enabled, AttributeName };
  }

  enable(table: string, attribute: string): void {
    this.disable(table);
    this.#schedule(table, attribute);
  }

  disable(table: string): void {
    this.#tables.get(table)?.timer.cancel();
    this.#tables.delete(table);
  }

  describe(table: string): Json {
    const attribute = this.#tables.get(table)?.attribute;
    return attribute ? { TimeToLiveStatus: 'ENABLED', AttributeName: attribute } : { TimeToLiveStatus: 'DISABLED' };
  }

  stop(): void {
    for (const table of [...this.#tables.keys()]) this.disable(table);
  }

  #schedule(table: string, attribute: string): void {
    const timer = this.clock.after(SWEEP_MS, async () => {
      this.#schedule(table, attribute);
      const seconds = this.clock.now() / 1000;
      const sweep = this.removeExpired(table, (item) => {
        const value = item[attribute] as { N?: string } | undefined;
        return Number(value?.N ?? Infinity) <= seconds;
      });
      // The table may go meanwhile; what else is left waits for the next sweep.
      await sweep.catch(() => undefined);
    });
    this.#tables.set(table, { attribute, timer });
  }
}

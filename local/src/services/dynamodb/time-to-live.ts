import type { Json } from './dynalite-store';
import type { Clock, Timer } from '../../clock';

/** DynamoDB takes up to days; local items go within this time of the cloud's clock. */
const SWEEP_MS = 60 * 60_000;

type RemoveExpired = (table: string, expired: (item: Json) => boolean) => Promise<void>;

/** Removes items whose time is over, once an hour for each table that asks for it. */
export class TimeToLive {
  readonly #tables = new Map<string, { attribute: string; timer: Timer }>();

  constructor(private readonly clock: Clock, private readonly removeExpired: RemoveExpired) {}

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

import { dueFor } from './due';
import { Pace } from './pace';
import { reap } from './reap';
import type { Outcome } from './reap';
import type { Log } from '../pool/log';
import type { Pool } from '../pool/pool';
import type { SandboxRecord } from '../pool/sandbox-record';

const READ_AT_ONCE = 200;

/** A pass starts nothing new after this long; the next one is a minute after this one began. */
const PASS_MS = 45_000;

/** Below the platform's 10 terminations a second, which other parts of the account share. */
const TERMINATIONS_PER_SECOND = 8;

export interface Keeper extends Pool {
  readonly log: Log;
}

export interface KeeperSummary {
  /** Sandboxes that the table holds. */
  readonly seen: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** False if the pass ran out of time; the next one goes on. */
  readonly finished: boolean;
}

/** One pass over the pool: ends what has no right to run any more. A sandbox that cannot be ended now is tried again by the next pass. */
export async function keep(keeper: Keeper): Promise<KeeperSummary> {
  const { clock, table, log } = keeper;
  const startedAt = clock.now();
  const pace = new Pace(clock, TERMINATIONS_PER_SECOND);
  const outcomes: Partial<Record<Outcome, number>> = {};
  let seen = 0;
  let after: string | undefined;
  let finished = true;
  do {
    const { records, next } = await table.page(after, READ_AT_ONCE);
    for (const record of records) {
      seen++;
      if (!dueFor(record, clock.now())) continue;
      if (clock.now() - startedAt > PASS_MS) {
        finished = false;
        break;
      }
      const outcome = await attempt(keeper, record, pace);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    after = next;
  } while (after !== undefined && finished);
  const summary = { seen, outcomes, finished };
  log({ operation: 'keep', outcome: 'ok', durationMs: clock.now() - startedAt, ...summary });
  return summary;
}

async function attempt(keeper: Keeper, record: SandboxRecord, pace: Pace): Promise<Outcome> {
  try {
    return await reap(keeper, record, pace);
  } catch (error) {
    keeper.log({ level: 'error', operation: 'reap', sandboxId: record.sandboxId, outcome: 'failed', error: String(error).slice(0, 500) });
    return 'failed';
  }
}

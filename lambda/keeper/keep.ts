import { allRecords } from './all-records';
import { dueFor } from './due';
import { newReaper } from './reap';
import type { Outcome } from './reap';
import { reapOrLog } from './reap-or-log';
import type { Log } from '../pool/log';
import { metricMembers } from '../pool/metrics';
import type { Measured } from '../pool/metrics';
import type { Pool } from '../pool/pool';
import { isLive } from '../pool/sandbox-record';

/** A pass starts nothing new after this long; the next one is a minute after this one began. */
const PASS_MS = 45_000;

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
  const { clock, table, log, configuration: { poolName } } = keeper;
  const startedAt = clock.now();
  const reaper = newReaper(keeper);
  const outcomes: Partial<Record<Outcome, number>> = {};
  let seen = 0;
  let live = 0;
  let finished = true;
  for await (const record of allRecords(table)) {
    seen++;
    const due = dueFor(record, clock.now());
    if (!due) {
      if (isLive(record, clock.now())) live++;
      continue;
    }
    if (clock.now() - startedAt > PASS_MS) {
      finished = false;
      break;
    }
    const outcome = await reapOrLog(reaper, record, due);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  const summary = { seen, outcomes, finished };
  log({
    operation: 'keep',
    outcome: 'ok',
    durationMs: clock.now() - startedAt,
    ...summary,
    ...metricMembers(poolName, clock.now(), measuredOf(summary, live)),
  });
  return summary;
}

/** Nothing for a pool without sandboxes. A pass that ran out of time did not see all that live. */
function measuredOf({ outcomes, finished }: KeeperSummary, live: number): Measured {
  const count = (...names: Outcome[]) => names.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0) || undefined;
  return {
    live: finished && live > 0 ? live : undefined,
    expired: count('expired'),
    abandoned: count('abandoned', 'unknown'),
    reapFailed: count('failed', 'postponed'),
  };
}

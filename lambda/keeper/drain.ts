import { dueForDrain } from './due';
import type { Keeper } from './keep';
import { newReaper } from './reap';
import type { Outcome, Reaper } from './reap';
import { READ_AT_ONCE, reapOrLog } from './reap-or-log';
import { KEEPER_TIMEOUT_SECONDS } from '../../src/contract/pool';
import { COUNTED_STATES } from '../pool/sandbox-record';

/** Nothing new is begun after this; the rest of the function's time covers one microVM with all its retries. */
const DRAIN_MS = (KEEPER_TIMEOUT_SECONDS - 60) * 1000;

/** Between two rounds: long enough for a throttle to pass, and short beside the time that a launch is given to be completed. */
const ROUND_PAUSE_MS = 2000;

const NOT_ENDED: readonly Outcome[] = ['spared', 'postponed', 'failed'];

/**
 * Ends every sandbox of a pool that is being deleted, and returns when none is left. The pool is closed first: an allocator that is still
 * at work starts nothing more. Stopped anywhere, another deletion goes on where this one was.
 */
export async function drain(keeper: Keeper): Promise<void> {
  const { clock, table, log } = keeper;
  const startedAt = clock.now();
  await table.close();
  const reaper = newReaper(keeper);
  for (let ended = 0; ;) {
    const round = await drainRound(reaper, startedAt + DRAIN_MS);
    ended += round.ended;
    if (round.left === 0) {
      log({ operation: 'drain', outcome: 'ok', durationMs: clock.now() - startedAt, ended });
      return;
    }
    if (clock.now() + ROUND_PAUSE_MS > startedAt + DRAIN_MS) throw unfinished(keeper, round.left, ended);
    await clock.sleep(ROUND_PAUSE_MS);
  }
}

async function drainRound(reaper: Reaper, deadline: number): Promise<{ left: number; ended: number }> {
  const { clock, table } = reaper;
  let left = 0;
  let ended = 0;
  let after: string | undefined;
  do {
    const { records, next } = await table.page(after, READ_AT_ONCE);
    for (const record of records.filter(({ state }) => COUNTED_STATES.includes(state))) {
      const due = clock.now() < deadline ? dueForDrain(record, clock.now()) : undefined;
      const outcome = due && await reapOrLog(reaper, record, due);
      if (outcome === undefined || NOT_ENDED.includes(outcome)) left++;
      else ended++;
    }
    after = next;
  } while (after !== undefined);
  return { left, ended };
}

function unfinished({ log }: Keeper, left: number, ended: number): Error {
  log({ level: 'error', operation: 'drain', outcome: 'unfinished', left, ended });
  return new Error(`${left} sandboxes of the pool could not be ended in ${DRAIN_MS / 60_000} minutes (${ended} were): the log of the keeper `
    + 'says what the service answered. Their microVMs run, and are billed, until 8 hours after their start. Delete again to go on.');
}

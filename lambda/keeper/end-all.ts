import { allRecords } from './all-records';
import { awaitEnds } from './await-ends';
import type { Due } from './due';
import type { Keeper } from './keep';
import { newReaper } from './reap';
import type { Outcome, Reaper } from './reap';
import { reapOrLog } from './reap-or-log';
import { KEEPER_TIMEOUT_SECONDS } from '../../src/contract/pool';
import { COUNTED_STATES } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';

/** Nothing new is begun after this; the rest of the function's time covers one microVM with all its retries. */
const END_ALL_MS = (KEEPER_TIMEOUT_SECONDS - 60) * 1000;

/** Between two rounds: long enough for a throttle to pass, and short beside the time that a launch is given to be completed. */
const ROUND_PAUSE_MS = 2000;

const NOT_ENDED: readonly Outcome[] = ['spared', 'postponed', 'failed'];

/** What CloudFormation waits for. */
export interface Task {
  readonly operation: 'drain' | 'update';
  /** In the words of a failure: whose sandboxes these are. */
  readonly which: string;
  /** In the words of a failure: how to go on. */
  readonly goOn: string;
  /** Whether this sandbox has to be ended before the task is done. */
  concerns(record: SandboxRecord): boolean;
  /** Why it has to go now, or undefined: later. */
  due(record: SandboxRecord, now: number): Due | undefined;
}

/** Ends all sandboxes that the task concerns, and returns when none is left and the service has ended their microVMs. */
export async function endAll(keeper: Keeper, task: Task): Promise<void> {
  const { clock, log } = keeper;
  const startedAt = clock.now();
  const deadline = startedAt + END_ALL_MS;
  const reaper = newReaper(keeper);
  for (let ended = 0; ;) {
    const round = await endRound(reaper, task, deadline);
    ended += round.ended;
    if (round.left === 0) {
      await awaitEnds(keeper, task.operation, deadline);
      log({ operation: task.operation, outcome: 'ok', durationMs: clock.now() - startedAt, ended });
      return;
    }
    if (clock.now() + ROUND_PAUSE_MS > deadline) {
      log({ level: 'error', operation: task.operation, outcome: 'unfinished', left: round.left, ended });
      throw unfinished(task, round.left, ended);
    }
    await clock.sleep(ROUND_PAUSE_MS);
  }
}

async function endRound(reaper: Reaper, task: Task, deadline: number): Promise<{ left: number; ended: number }> {
  const { clock, table } = reaper;
  let left = 0;
  let ended = 0;
  for await (const record of allRecords(table)) {
    if (!COUNTED_STATES.includes(record.state) || !task.concerns(record)) continue;
    const due = clock.now() < deadline ? task.due(record, clock.now()) : undefined;
    const outcome = due && await reapOrLog(reaper, record, due);
    if (outcome === undefined || NOT_ENDED.includes(outcome)) left++;
    else ended++;
  }
  return { left, ended };
}

function unfinished({ which, goOn }: Task, left: number, ended: number): Error {
  return new Error(`${left} sandboxes of ${which} could not be ended in ${END_ALL_MS / 60_000} minutes (${ended} were): the log of the keeper `
    + `says what the service answered. Their microVMs run, and are billed, until 8 hours after their start. ${goOn} again to go on.`);
}

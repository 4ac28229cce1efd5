import { allRecords } from './all-records';
import type { Keeper } from './keep';
import { ServiceError } from '../pool/service-error';

/** A microVM is TERMINATED about 3 seconds after it was asked to go, and its `/terminate` hook may have a minute before. */
const ENDING_MS = 90_000;

const LOOK_PAUSE_MS = 500;

/**
 * Returns when the service has ended what was ended a moment ago, by an allocator too. CloudFormation goes on to delete what those microVMs
 * have of the stack, and an image cannot be deleted before them. They go in any case, so one that takes too long is no failure.
 */
export async function awaitEnds(keeper: Keeper, operation: string, deadline: number): Promise<void> {
  const { clock, log } = keeper;
  const giveUpAt = Math.min(deadline, clock.now() + ENDING_MS);
  let ending = await endedLately(keeper);
  for (;;) {
    ending = await stillThere(keeper, ending, giveUpAt);
    if (ending.length === 0) return;
    if (clock.now() + LOOK_PAUSE_MS > giveUpAt) break;
    await clock.sleep(LOOK_PAUSE_MS);
  }
  log({ level: 'warn', operation, message: `${ending.length} microVMs were asked to end, and have not yet: ${ending.slice(0, 5).join(', ')}` });
}

async function endedLately({ table, clock }: Keeper): Promise<string[]> {
  const since = clock.now() - ENDING_MS;
  const microvmIds: string[] = [];
  for await (const { microvmId, endedAt = 0 } of allRecords(table)) {
    if (microvmId !== undefined && endedAt > since) microvmIds.push(microvmId);
  }
  return microvmIds;
}

/** Asked for one after another: far below the platform's 100 calls a second. Whom there is no time to ask for is there. */
async function stillThere({ microvms, clock }: Keeper, ids: readonly string[], giveUpAt: number): Promise<string[]> {
  const there: string[] = [];
  for (const microvmId of ids) {
    if (clock.now() > giveUpAt) {
      there.push(microvmId);
      continue;
    }
    try {
      if ((await microvms.get(microvmId)).state !== 'TERMINATED') there.push(microvmId);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // Refused: the right to look at a former image has left with it.
      if (error.kind !== 'not_found' && error.kind !== 'refused') there.push(microvmId);
    }
  }
  return there;
}

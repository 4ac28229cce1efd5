import { dueAtOnce } from './due';
import { endAll } from './end-all';
import type { Keeper } from './keep';
import { fingerprintOf, isOfOtherImage, passesOthers } from '../pool/pool-start';
import type { PoolStart } from '../pool/pool-start';

/**
 * For so long after an update nothing is started as before it. An allocator's call of before has ended by then; in a rollback, the
 * allocator may still have the configuration that is rolled back.
 */
const BARRED_MS = 10 * 60_000;

export interface PoolChange {
  /** What the pool started microVMs with; undefined if the template did not say. */
  readonly before?: PoolStart;
  readonly after: PoolStart;
}

/**
 * Ends what a pool that was given another image, role or network cannot serve any more: for the time of the update the keeper has its
 * rights of before and those of after. What the properties say counts, not the keeper's own configuration: a rollback may change that later.
 *
 * Of the same image a sandbox stays, unless it was never completed: to learn its microVM, the keeper passes the role and connectors that
 * it was asked for with.
 */
export async function update(keeper: Keeper, { before, after }: PoolChange): Promise<void> {
  const { table, clock } = keeper;
  if (before !== undefined) await table.bar(fingerprintOf(before), clock.now() + BARRED_MS);
  await endAll(keeper, {
    operation: 'update',
    which: 'the pool before this update',
    goOn: 'Deploy',
    concerns: (record) => (
      isOfOtherImage(record, after) || (record.microvmId === undefined && passesOthers(record, after))
    ),
    due: (record, now) => dueAtOnce(record, now, 'replaced'),
  });
}

import { dueAtOnce } from './due';
import { endAll } from './end-all';
import type { Keeper } from './keep';

/**
 * Ends every sandbox of a pool that is being deleted, and returns when the service has ended their microVMs. The pool is closed first: its
 * allocator, which is still there, starts nothing more. Stopped anywhere, another deletion goes on where this one was.
 */
export async function drain(keeper: Keeper): Promise<void> {
  await keeper.table.close();
  await endAll(keeper, {
    operation: 'drain',
    which: 'the pool',
    goOn: 'Delete',
    concerns: () => true,
    due: (record, now) => dueAtOnce(record, now, 'drained'),
  });
}

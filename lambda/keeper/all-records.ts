import type { SandboxRecord } from '../pool/sandbox-record';
import type { SandboxTable } from '../pool/sandbox-table';

const READ_AT_ONCE = 200;

/** All that the table holds, in the order of creation: sandboxes that ended a day ago, too. Read as it is asked for. */
export async function* allRecords(table: Pick<SandboxTable, 'page'>): AsyncGenerator<SandboxRecord, void> {
  let after: string | undefined;
  do {
    const { records, next } = await table.page(after, READ_AT_ONCE);
    yield* records;
    after = next;
  } while (after !== undefined);
}

import { allRecords } from '../../lambda/keeper/all-records';
import type { SandboxRecord } from '../../lambda/pool/sandbox-record';

const PAGES = [['a', 'b'], [], ['c'], ['d']];
const recordOf = (sandboxId: string): SandboxRecord => ({
  sandboxId, state: 'running', generation: 1, metadata: {}, createdAt: 0, expiresAt: 0, hardExpiresAt: 0, daemonPort: null, hookPort: null,
});

/** A table of several pages, one of which is empty, as DynamoDB may answer. */
class PagedTable {
  readonly asked: (string | undefined)[] = [];

  async page(after: string | undefined) {
    this.asked.push(after);
    const index = after === undefined ? 0 : Number(after);
    const records = PAGES[index].map(recordOf);
    return index + 1 < PAGES.length ? { records, next: String(index + 1) } : { records };
  }
}

it('goes on to the last page, over an empty one', async () => {
  const table = new PagedTable();
  const ids: string[] = [];
  for await (const { sandboxId } of allRecords(table)) ids.push(sandboxId);
  expect(ids).toEqual(['a', 'b', 'c', 'd']);
  expect(table.asked).toEqual([undefined, '1', '2', '3']);
});

it('reads no page that nobody gets to', async () => {
  const table = new PagedTable();
  for await (const { sandboxId } of allRecords(table)) {
    if (sandboxId === 'c') break;
  }
  expect(table.asked).toEqual([undefined, '1', '2']);
});

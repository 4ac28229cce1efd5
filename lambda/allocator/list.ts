import type { Allocation } from './allocation';
import { AllocatorError } from './allocator-error';
import { fromCursor, toCursor } from './list-cursor';
import type { AllocatorResults, ListRequest, SandboxInfo, SandboxState } from '../../client/src/protocol/allocator';
import { toSandboxInfo } from '../pool/sandbox-record';

const DEFAULT_LIMIT = 50;
const NOT_TERMINATED: readonly SandboxState[] = ['starting', 'running', 'paused', 'terminating'];
const READ_AT_ONCE = 200;
/** Pages read for one answer: what ended within a day is read over, and an answer has to come in time. */
const READS = 10;
/** Lambda refuses an answer of more than 6 MB, and one sandbox with the most metadata takes some hundred kilobytes. */
const ANSWER_BYTES = 5_000_000;

/** Answers the pool's sandboxes in the order of their creation. */
export async function list({ table }: Allocation, request: ListRequest): Promise<AllocatorResults['list']> {
  const { metadata = {}, states = NOT_TERMINATED, limit = DEFAULT_LIMIT } = request;
  const wanted = (sandbox: SandboxInfo) => states.includes(sandbox.state)
    && Object.entries(metadata).every(([key, value]) => (
      Object.hasOwn(sandbox.metadata, key) && sandbox.metadata[key] === value
    ));

  const sandboxes: SandboxInfo[] = [];
  let bytes = 0;
  let after = startOf(request.cursor);
  for (let read = 0; read < READS; read++) {
    const { records, next } = await table.page(after, READ_AT_ONCE);
    for (const record of records) {
      const sandbox = toSandboxInfo(record);
      if (!wanted(sandbox)) continue;
      sandboxes.push(sandbox);
      bytes += Buffer.byteLength(JSON.stringify(sandbox));
      if (sandboxes.length < limit && bytes <= ANSWER_BYTES) continue;
      const more = next !== undefined || record !== records.at(-1);
      return more ? { sandboxes, cursor: toCursor(record.sandboxId) } : { sandboxes };
    }
    if (next === undefined) return { sandboxes };
    after = next;
  }
  return { sandboxes, ...(after !== undefined && { cursor: toCursor(after) }) };
}

function startOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const start = fromCursor(cursor);
  if (!start) throw new AllocatorError('invalid_argument', 'cursor: not one of this pool; send the cursor of the page before, as it was answered.');
  return start;
}

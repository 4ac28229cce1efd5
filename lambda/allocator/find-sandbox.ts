import type { Allocation } from './allocation';
import { AllocatorError, notFound, terminated } from './allocator-error';
import { isLive, STARTED_STATES } from '../pool/sandbox-record';
import type { SandboxRecord } from '../pool/sandbox-record';

/** A sandbox whose microVM is known. */
export type StartedSandbox = SandboxRecord & Required<Pick<SandboxRecord, 'microvmId' | 'endpoint' | 'launch'>>;

/** The sandbox, if it lives. */
export async function findLive({ table, clock }: Allocation, sandboxId: string): Promise<SandboxRecord> {
  const record = await table.get(sandboxId);
  if (!record) throw notFound(sandboxId);
  if (!isLive(record, clock.now())) throw terminated(record);
  return record;
}

/** The sandbox, if it lives and its microVM was started. */
export async function findStarted(allocation: Allocation, sandboxId: string): Promise<StartedSandbox> {
  const record = await findLive(allocation, sandboxId);
  if (!isStarted(record)) {
    throw new AllocatorError('not_ready', `Sandbox ${sandboxId} is still starting; connect to it first.`, { afterMs: 1000 });
  }
  return record;
}

export function isStarted(record: SandboxRecord): record is StartedSandbox {
  return STARTED_STATES.includes(record.state)
    && record.microvmId !== undefined && record.endpoint !== undefined && record.launch !== undefined;
}

import type { Allocation } from './allocation';
import { findStarted } from './find-sandbox';
import { wake } from './wake';
import type { AllocatorResults, ResumeRequest } from '../../client/src/protocol/allocator';
import { toSandboxInfo } from '../pool/sandbox-record';

/** Wakes a sandbox; one that is awake stays so. */
export async function resume(allocation: Allocation, { sandboxId }: ResumeRequest): Promise<AllocatorResults['resume']> {
  const { record } = await wake(allocation, await findStarted(allocation, sandboxId));
  return { sandbox: toSandboxInfo(record) };
}

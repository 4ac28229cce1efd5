import { allocate } from './allocate';
import { randomIds } from './random-ids';
import type { AllocatorAnswer } from '../../client/src/protocol/allocator';
import { stdoutLog } from '../pool/log';
import { sdkPool } from '../pool/sdk-pool';

const allocator = { ...sdkPool(process.env), ids: randomIds, log: stdoutLog };

export async function handler(event: unknown): Promise<AllocatorAnswer> {
  return allocate(allocator, event);
}

import { allocate } from './allocate';
import { randomIds } from './random-ids';
import type { AllocatorAnswer } from '../../client/src/protocol/allocator';
import { ImageVersions } from '../pool/image-versions';
import { stdoutLog } from '../pool/log';
import { sdkPool } from '../pool/sdk-pool';

const pool = sdkPool(process.env);
const allocator = { ...pool, versions: new ImageVersions(pool), ids: randomIds, log: stdoutLog };

export async function handler(event: unknown): Promise<AllocatorAnswer> {
  return allocate(allocator, event);
}

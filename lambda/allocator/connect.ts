import type { Allocation } from './allocation';
import { findLive } from './find-sandbox';
import { open } from './open';
import { Stopwatch } from './stopwatch';
import type { ConnectedSandbox, ConnectRequest } from '../../client/src/protocol/allocator';

/** Answers a fresh connection to a sandbox that lives, resumed if it slept. */
export async function connect(allocation: Allocation, { sandboxId }: ConnectRequest): Promise<ConnectedSandbox> {
  const stopwatch = new Stopwatch(allocation.clock);
  const record = await stopwatch.measure('find', () => findLive(allocation, sandboxId));
  return open(allocation, record, stopwatch);
}

import type { Allocation } from './allocation';
import { AllocatorError } from './allocator-error';
import { hasEndpoint, openPorts } from './connection';
import { findStarted } from './find-sandbox';
import type { AllocatorResults, TokenRequest } from '../../client/src/protocol/allocator';

/** Answers a token for ports of the caller's choice. */
export async function token(allocation: Allocation, request: TokenRequest): Promise<AllocatorResults['token']> {
  const record = await findStarted(allocation, request.sandboxId);
  if (!hasEndpoint(record)) {
    throw new AllocatorError('unsupported', `Sandbox ${record.sandboxId} has no endpoint: its pool was made with endpointAccess: false.`);
  }
  const ports = [...new Set(request.ports)];
  // Whoever reaches the hooks could start the daemon anew, under a secret of their own.
  if (record.hookPort !== null && ports.includes(record.hookPort)) {
    throw new AllocatorError('invalid_argument', `ports: got ${record.hookPort}, the port of the image's hooks, which is never opened. Leave it out.`);
  }
  return { connection: await openPorts(allocation, record, { ports }) };
}

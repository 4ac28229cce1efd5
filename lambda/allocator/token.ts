import type { Allocation } from './allocation';
import { AllocatorError } from './allocator-error';
import { hasEndpoint, openPorts } from './connection';
import { findStarted } from './find-sandbox';
import type { AllocatorResults, TokenRequest } from '../../client/src/protocol/allocator';
import { PLATFORM_PORT } from '../../src/contract/runtime';
import type { SandboxRecord } from '../pool/sandbox-record';

/** Answers a token for ports of the caller's choice. */
export async function token(allocation: Allocation, request: TokenRequest): Promise<AllocatorResults['token']> {
  const record = await findStarted(allocation, request.sandboxId);
  if (!hasEndpoint(record)) {
    throw new AllocatorError('unsupported', `Sandbox ${record.sandboxId} has no endpoint: its pool was made with endpointAccess: false.`);
  }
  const ports = [...new Set(request.ports)];
  checkPorts(record, ports);
  return { connection: await openPorts(allocation, record, { ports }) };
}

/** Whoever reaches the hooks, or what calls them, could start the daemon anew, under a secret of their own. */
function checkPorts({ hookPort }: SandboxRecord, ports: readonly number[]): void {
  const refuse = (port: number, whose: string): AllocatorError => (
    new AllocatorError('invalid_argument', `ports: got ${port}, the port of ${whose}, which is never opened. Leave it out.`)
  );
  if (hookPort !== null && ports.includes(hookPort)) throw refuse(hookPort, 'the image\'s hooks');
  if (ports.includes(PLATFORM_PORT)) throw refuse(PLATFORM_PORT, 'the platform\'s own agent in every microVM');
}

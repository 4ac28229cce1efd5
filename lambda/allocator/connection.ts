import type { Allocation } from './allocation';
import { waitFor } from './allocation';
import { busy } from './allocator-error';
import { confirmThere } from './confirm-ended';
import type { StartedSandbox } from './find-sandbox';
import type { Connection } from '../../client/src/protocol/allocator';
import { DAEMON_PORT } from '../../src/contract/runtime';
import { hasIngress } from '../pool/ingress';
import { requestOf } from '../pool/launch-intent';
import { ServiceError } from '../pool/service-error';

/** The platform's maximum. */
const TOKEN_MINUTES = 60;
const RETRY_MS = 500;
/** In place of a token, where there is none. */
const NO_TOKEN = 'none';

/** The port that a connection opens when nobody named one: the daemon's, or the platform's own default. */
export function defaultPorts({ daemonPort }: StartedSandbox): readonly number[] {
  return [daemonPort ?? DAEMON_PORT];
}

/** False for a sandbox that was started without ingress: nothing reaches it, and no token would change that. */
export function hasEndpoint({ launch }: StartedSandbox): boolean {
  return hasIngress(requestOf(launch));
}

/** What `create` and `connect` answer for a sandbox without an endpoint: a connection that opens nothing. */
export async function noConnection(
  allocation: Allocation, record: StartedSandbox, neverUsed: boolean,
): Promise<Connection> {
  await confirmThere(allocation, record, neverUsed);
  return { endpoint: record.endpoint, token: NO_TOKEN, tokenExpiresAt: record.hardExpiresAt, ports: [] };
}

/** Opens ports of a microVM; waits while the service refuses because the microVM is not up yet. */
export async function openPorts(
  allocation: Allocation,
  record: StartedSandbox,
  options: { readonly ports: readonly number[]; readonly neverUsed?: boolean },
): Promise<Connection> {
  const { clock } = allocation;
  const { ports, neverUsed } = options;
  let up = false;
  for (;;) {
    // Taken before the call: the token never ends earlier than this says.
    const tokenExpiresAt = clock.now() + TOKEN_MINUTES * 60_000;
    try {
      const token = await allocation.microvms.createToken(record.microvmId, ports, TOKEN_MINUTES);
      return {
        endpoint: record.endpoint,
        token,
        tokenExpiresAt,
        ports,
        ...(record.daemonPort !== null && { daemon: { port: record.daemonPort, secret: record.launch.secret } }),
      };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const microvm = await confirmThere(allocation, record, neverUsed);
      const passing = ['conflict', 'not_found', 'throttled'].includes(error.kind);
      // It may have come up after it was refused a token: what counts is a refusal of a microVM that was up before.
      if (up && !passing) throw error;
      up = microvm !== undefined && microvm.state !== 'PENDING';
      if (!(await waitFor(allocation, RETRY_MS))) throw busy(`Sandbox ${record.sandboxId} has no token yet. ${error.message}`);
    }
  }
}

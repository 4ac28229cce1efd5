import type { IncomingMessage } from 'node:http';
import { GENERATION_HEADER } from '../../../client/src/protocol/daemon';
import { DaemonError } from '../errors';
import type { Session } from '../session';

/** Throws unless the microVM serves a sandbox, the request knows its secret, and means this generation of it. */
export function admit(request: IncomingMessage, session: Session): void {
  const payload = session.payload;
  if (!payload) {
    // The platform lets traffic in before it calls /run.
    throw new DaemonError('not_ready', 'the microVM has not been handed to a sandbox yet; try again', { retryAfterMs: 200 });
  }
  const [, secret = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!session.accepts(secret)) {
    throw new DaemonError('unauthenticated', 'authorization: send "Bearer " and the secret of this sandbox');
  }
  if (request.headers[GENERATION_HEADER] !== String(payload.generation)) {
    throw new DaemonError(
      'stale_generation',
      `${GENERATION_HEADER}: this microVM is generation ${payload.generation} of the sandbox; ask the allocator to connect again`,
    );
  }
}

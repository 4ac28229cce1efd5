import type { IncomingMessage, RequestListener } from 'node:http';
import type { CommandRegistry } from '../commands/command-registry';
import { DaemonError, invalid } from '../errors';
import { reject } from '../http/rejection';
import type { Log } from '../log';
import { describeFault } from '../log';
import type { Session } from '../session';
import type { Hook } from './hook-path';
import { findHook } from './hook-path';
import { parseRunCall } from './run-payload';

const MAX_CALL_BYTES = 64 * 1024;

export interface HookServices {
  readonly session: Session;
  readonly commands: CommandRegistry;
  /** Whether the API listens. */
  readonly isReady: () => boolean;
  /** Touches what the first command of a sandbox will need. */
  readonly warmUp: () => Promise<void>;
  readonly log: Log;
}

/**
 * Answers the platform. Its calls arrive over loopback like any caller's in the sandbox, so they are not trusted: `/run` counts
 * once, and the others do no more than a command of root's could: `/terminate` ends commands, root's too. A refused `/suspend`
 * would end the microVM, so it is never refused.
 */
export function hookListener(services: HookServices): RequestListener {
  return (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const hook = findHook(request.method, request.url);
    const handled = hook ? handle(hook, request, services) : Promise.reject(invalid('there is no such hook'));
    handled
      .then(() => response.writeHead(200, { 'content-length': 0 }).end())
      .catch(async (error: unknown) => reject({ request, response }, error, services.log))
      .catch((error: unknown) => services.log('fault', describeFault(error)));
  };
}

async function handle(hook: Hook, request: IncomingMessage, services: HookServices): Promise<void> {
  switch (hook) {
    case 'ready':
      if (!services.isReady()) throw new DaemonError('not_ready', 'the API does not listen yet');
      return;
    case 'run':
      return begin(await readCall(request), services);
    case 'validate':
      // Once a sandbox is served only code in it can ask.
      return services.session.payload ? undefined : quietly(hook, services, services.warmUp);
    case 'terminate':
      return quietly(hook, services, async () => services.commands.terminateAll());
    case 'suspend':
    case 'resume':
      return services.log(hook, { sandboxId: services.session.payload?.sandboxId });
  }
}

function begin(text: string, { session, log }: HookServices): void {
  const { microvmId, payload } = parseRunCall(text);
  if (!session.begin(payload)) {
    throw new DaemonError('stale_generation', 'this microVM serves a sandbox already; it cannot be handed to another');
  }
  log('run', { microvmId, sandboxId: payload.sandboxId, generation: payload.generation });
}

/** A fault in the work behind a hook must not fail the hook. */
async function quietly(hook: Hook, { session, log }: HookServices, work: () => Promise<void>): Promise<void> {
  log(hook, { sandboxId: session.payload?.sandboxId });
  try {
    await work();
  } catch (error) {
    log('fault', describeFault(error));
  }
}

async function readCall(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_CALL_BYTES) throw new DaemonError('too_large', `the body is larger than ${MAX_CALL_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import type { RequestListener, Server } from 'node:http';
import type { Clock } from './clock';
import { systemClock } from './clock';
import { CommandRegistry } from './commands/command-registry';
import { FileSystem } from './files/file-system';
import { Reach } from './files/reach';
import { hookListener } from './hooks/hook-listener';
import { warmUp } from './hooks/warm-up';
import { admit } from './http/gate';
import { reject } from './http/rejection';
import { close, hardenedServer, listen } from './http/server';
import type { Identities } from './identity';
import { findIdentities } from './identity';
import type { Limits } from './limits';
import { DEFAULT_LIMITS } from './limits';
import type { Log } from './log';
import { describeFault, logToStdout } from './log';
import type { Services } from './operations/operation';
import { findRoute } from './router';
import { Session } from './session';
import type { Settings } from './settings';
import { DAEMON_VERSION } from './version';
import { WORKSPACE } from '../../client/src/protocol/daemon';

/** The image's user; where another folder stands for `/`, its home lies in that folder too. */
const LOCAL_HOME = '/home/sandbox';

/** Well below the 1024 files that a process may open on the platform, so that a flood of one server leaves room for the other. */
const HOOK_CONNECTIONS = 32;
const API_CONNECTIONS = 200;

export interface DaemonOptions {
  readonly settings: Settings;
  /** Default: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
  readonly identities?: Identities;
  readonly log?: Log;
}

export interface Daemon {
  /** The ports that it listens on. */
  readonly hookPort: number;
  readonly apiPort: number;
  /** Ends all commands, then stops listening. */
  close(): Promise<void>;
}

/** Starts both servers. Rejects if a port is taken or the workspace cannot be made. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { settings, clock = systemClock, log = logToStdout } = options;
  const services = await assemble(options, clock);
  const api = hardenedServer(apiListener(services, log), API_CONNECTIONS);
  const { session, commands, files, identities } = services;
  const hooks = hardenedServer(hookListener({
    session,
    commands,
    log,
    isReady: () => api.listening,
    warmUp: async () => warmUp(files.reach.toHost(WORKSPACE), identities.sandbox, clock),
  }), HOOK_CONNECTIONS);
  const apiPort = await listen(api, settings.api);
  const hookPort = await listenOrGiveUp(hooks, settings, api);
  log('start', { version: DAEMON_VERSION, apiPort, hookPort });
  return {
    hookPort,
    apiPort,
    close: async () => {
      await commands.terminateAll();
      await Promise.all([close(api), close(hooks)]);
    },
  };
}

async function assemble(options: DaemonOptions, clock: Clock): Promise<Services> {
  const { localRoot } = options.settings;
  const guestHome = localRoot === undefined ? undefined : LOCAL_HOME;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const found = options.identities ?? findIdentities(guestHome);
  const reach = await Reach.open(found.sandbox.home, localRoot);
  const sandbox = { ...found.sandbox, home: reach.toHost(found.sandbox.home) };
  return {
    session: new Session(),
    commands: new CommandRegistry(clock, limits),
    files: new FileSystem(reach, sandbox, limits.diskReserveBytes),
    identities: { ...found, sandbox },
    clock,
    limits,
    environment: options.environment ?? process.env,
  };
}

function apiListener(services: Services, log: Log): RequestListener {
  return (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const answer = async () => {
      admit(request, services.session);
      const { operation, id, query } = findRoute(request);
      await operation({ request, response, id, query }, services);
    };
    answer()
      .catch(async (error: unknown) => reject({ request, response }, error, log))
      .catch((error: unknown) => log('fault', describeFault(error)));
  };
}

async function listenOrGiveUp(hooks: Server, settings: Settings, api: Server): Promise<number> {
  try {
    return await listen(hooks, settings.hooks);
  } catch (error) {
    await close(api);
    throw error;
  }
}

import { POOL_VARIABLE } from 'microvm-sandbox/protocol';
import type { DeployedStack } from '../deploy/deployer';
import type { LocalCloud } from '../local-cloud';
import { startLocalCloud } from '../start-local-cloud';
import { eventLine } from './event-line';
import { endDeadRuns, writeRunFile } from './run-file';
import type { StartSettings } from './start-options';
import { AssemblyWatch } from './watch-assembly';

export interface Terminal {
  readonly print: (line: string) => void;
  readonly tell: (line: string) => void;
}

/** Starts a local cloud and runs it until `signal` fires. Throws if it does not start, or if what it is to run cannot be deployed. */
export async function start(settings: StartSettings, { print, tell }: Terminal, signal: AbortSignal): Promise<void> {
  // With --json, standard output is for the one line.
  const show = settings.json ? tell : print;
  await endDeadRuns();
  const cloud = await startLocalCloud({
    ...settings.cloud,
    onEvent: (event) => {
      const line = eventLine(event);
      if (line !== undefined) (event.kind === 'warning' ? tell : show)(line);
    },
  });
  const deployments = new Deployments(cloud, settings, { print, tell });
  let forget = async (): Promise<void> => undefined;
  try {
    forget = await writeRunFile({ endpoint: cloud.endpoint, folder: cloud.folder, env: cloud.environment });
    const stopped = untilAborted(signal).then(() => cloud.stop());
    if (!signal.aborted) await deployments.begin();
    await stopped;
  } catch (error) {
    // A deployment that the end breaks off has not failed.
    if (!signal.aborted) throw error;
  } finally {
    deployments.end();
    await cloud.stop();
    await forget();
  }
}

/** The first deployment, and with --watch the next ones: one at a time. */
class Deployments {
  #watch?: AssemblyWatch;
  #again = false;
  #busy = false;
  #ended = false;
  #ready = false;

  constructor(
    private readonly cloud: LocalCloud,
    private readonly settings: StartSettings,
    private readonly terminal: Terminal,
  ) {}

  /** Throws if the first deployment fails and no other can follow. */
  async begin(): Promise<void> {
    const { app, watch } = this.settings;
    if (app === undefined) return this.#tellReady([]);
    if (!watch) return this.#tellReady(await this.cloud.deploy(app));
    this.#watch = await AssemblyWatch.start(app, () => void this.#deploy(app));
    await this.#deploy(app);
  }

  end(): void {
    this.#ended = true;
    this.#watch?.stop();
  }

  async #deploy(app: string): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#again && !this.#ended) {
      this.#again = false;
      try {
        this.#tellReady(await this.cloud.deploy(app));
      } catch (error) {
        if (!this.#ended) this.terminal.tell(`error: ${(error as Error).message}\nwaiting for the next change of ${app}`);
      }
    }
    this.#busy = false;
  }

  #tellReady(stacks: readonly DeployedStack[]): void {
    const { print, tell } = this.terminal;
    if (this.#ready) return (this.settings.json ? tell : print)('deployed again');
    this.#ready = true;
    const env = environmentOf(this.cloud);
    if (this.settings.json) print(JSON.stringify({ endpoints: endpointsOf(this.cloud.endpoint), env, stacks }));
    else for (const line of readyLines(this.cloud.endpoint, env, stacks)) print(line);
  }
}

/** Every service is on one port; a microVM's own host name is served there by the `Host` header. */
function endpointsOf(endpoint: string): Record<string, string> {
  return Object.fromEntries(['aws', 'lambdaMicrovms', 's3', 'dynamodb', 'lambda', 'microvms'].map((name) => [name, endpoint]));
}

/** With the pool, if there is exactly one: the client looks for it there. */
function environmentOf(cloud: LocalCloud): Record<string, string> {
  const pools = cloud.pools();
  return { ...cloud.environment, ...(pools.length === 1 && { [POOL_VARIABLE]: pools[0] }) };
}

function readyLines(
  endpoint: string,
  env: Readonly<Record<string, string>>,
  stacks: readonly DeployedStack[],
): string[] {
  const outputs = stacks.flatMap(({ stackName, outputs: values }) => (
    Object.entries(values).map(([name, value]) => `  ${stackName}.${name} = ${value}`)
  ));
  return [
    ...(outputs.length > 0 ? ['', 'Outputs', ...outputs] : []),
    '',
    `The local cloud is ready: every service, and the host names of microVMs, at ${endpoint}`,
    '',
    ...Object.entries(env).map(([name, value]) => `export ${name}=${shellWord(value)}`),
    '',
    'Ctrl-C stops it.',
  ];
}

function shellWord(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

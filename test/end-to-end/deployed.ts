import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { SandboxClient } from 'microvm-sandbox';
import { type CloudEvent, type DeployedStack, type Isolation, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';

/** A stack that was deployed to a local cloud of its own, and a client for its pool. */
export class Deployed {
  static async start(isolation: Isolation, assembly: string): Promise<Deployed> {
    const events: CloudEvent[] = [];
    const cloud = await startLocalCloud({ isolation, quotas: true, onEvent: (event) => events.push(event) });
    try {
      const [stack] = await cloud.deploy(assembly);
      return new Deployed(cloud, stack, events);
    } catch (error) {
      await cloud.stop();
      throw error;
    }
  }

  readonly client: SandboxClient;

  private constructor(readonly cloud: LocalCloud, readonly stack: DeployedStack, readonly events: CloudEvent[]) {
    this.client = clientOf(cloud, stack.outputs.SandboxPool);
  }

  get warnings(): string[] {
    return this.events.flatMap((event) => (event.kind === 'warning' ? event.message : []));
  }

  async stop(): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.cloud.stop();
  }
}

/** A client that knows the local cloud by its options: this process has no credentials in its environment. */
export function clientOf(cloud: LocalCloud, pool: string): SandboxClient {
  // The SDK finds the endpoint of every service here, as a user's program does.
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  return new SandboxClient({ pool, credentials: accessTo(cloud).credentials, localEndpoint: cloud.endpoint });
}

/** What clients of the SDK need to know of a local cloud. */
export function accessTo({ endpoint, environment }: LocalCloud) {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Waits until a condition holds that the outside world brings about. */
export async function eventually(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 15_000; !(await check());) {
    if (Date.now() > end) throw new Error(`Waited 15 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Command lines of the processes that descend from this one, as Linux tells; elsewhere none. Without esbuild, which serves the tests. */
export function descendants(): string[] {
  const parents = new Map<string, string>();
  for (const pid of process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1];
    if (parent) parents.set(pid, parent);
  }
  const descends = (pid?: string): boolean => (
    pid !== undefined && (pid === String(process.pid) || descends(parents.get(pid)))
  );
  const lines = [...parents].filter(([, parent]) => descends(parent))
    .map(([pid]) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
  return lines.filter((line) => !line.includes('esbuild --service'));
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

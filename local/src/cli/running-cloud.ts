import type { Run } from './run-file';
import { liveRuns } from './run-file';
import { portOf } from './start-options';
import { UsageError } from './usage';

export interface CloudFlags {
  readonly port?: string;
  readonly endpoint?: string;
}

/** Where a running local cloud is, and what it takes to ask it. */
export interface RunningCloud {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Named {
  /** The flag or variable. */
  readonly by: string;
  readonly address: string;
}

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

/** The local cloud that the flags or the environment name, else the only one that runs. */
export async function findCloud(flags: CloudFlags, environment: NodeJS.ProcessEnv): Promise<RunningCloud> {
  if (flags.port !== undefined && flags.endpoint !== undefined) throw new UsageError('give --port or --endpoint, not both');
  const named = endpointOf(flags, environment);
  const runs = await liveRuns();
  if (named) {
    const endpoint = loopback(named);
    const run = runs.find((candidate) => candidate.endpoint === endpoint);
    return run ? ofRun(run) : ofEnvironment(endpoint, environment);
  }
  if (runs.length === 1) return ofRun(runs[0]);
  if (runs.length === 0) throw new Error('no local cloud runs; start one with `microvm-sandbox-local start`, or name its --port');
  throw new Error(`several local clouds run: ${runs.map(({ endpoint }) => endpoint).join(', ')}; name one with --endpoint`);
}

/** The address that was given, and where. Undefined: none. */
function endpointOf(flags: CloudFlags, environment: NodeJS.ProcessEnv): Named | undefined {
  const port = portOf(flags.port);
  // 0 asks for a free port, and nobody listens there.
  if (port === 0) throw new UsageError('--port 0: name the port of a local cloud, from 1 to 65535');
  if (port !== undefined) return { by: '--port', address: `http://127.0.0.1:${port}` };
  if (flags.endpoint !== undefined) return { by: '--endpoint', address: flags.endpoint };
  const { AWS_ENDPOINT_URL: address } = environment;
  return address ? { by: 'AWS_ENDPOINT_URL', address } : undefined;
}

/** Requests are signed with whatever keys are in the environment: they go nowhere but to this machine. */
function loopback({ by, address }: Named): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || !LOOPBACK.test(url.hostname)) {
    throw new UsageError(`${by} "${address}" is not the address of a local cloud, which is like http://127.0.0.1:4566; name its --port`);
  }
  return url.origin;
}

function ofRun({ endpoint, env }: Run): RunningCloud {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  return { endpoint, region, accessKeyId, secretAccessKey };
}

/** Without keys those that every local cloud takes. */
function ofEnvironment(endpoint: string, environment: NodeJS.ProcessEnv): RunningCloud {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const keys = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : { accessKeyId: 'test', secretAccessKey: 'test' };
  return { endpoint, region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1', ...keys };
}

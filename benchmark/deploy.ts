import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startLocalCloud } from 'microvm-sandbox-local';
import type { Benchmark } from './figure';

const EXAMPLE = join(__dirname, '..', 'examples', 'quickstart');

/** `examples/quickstart`, synthesized before, to an empty local cloud. */
export const deploy: Benchmark = {
  name: 'deploy',
  async run() {
    const assembly = await mkdtemp(join(tmpdir(), 'benchmark-assembly-'));
    try {
      const cdk = join(dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');
      await promisify(execFile)(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', assembly], {
        cwd: EXAMPLE, env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
      });
      await using cloud = await startLocalCloud();
      const from = performance.now();
      const [stack] = await cloud.deploy(assembly);
      const value = (performance.now() - from) / 1000;
      const detail = `${stack.resources.length} resources`;
      return [{ name: 'deploy of examples/quickstart', value, unit: 's', target: { atMost: 10 }, detail }];
    } finally {
      await rm(assembly, { recursive: true, force: true });
    }
  },
};

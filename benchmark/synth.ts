import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Benchmark, percentile } from './figure';

const RUNS = 5;

/** In a process of its own each time: the second synthesis of a process finds everything warm. */
const PROGRAM = `
  const { App, Stack } = require('aws-cdk-lib');
  const { SandboxImage, SandboxPool } = require('cdk-microvm-sandbox');
  // The CDK loads its modules when they are first asked for.
  for (const name of ['dynamodb', 'events', 'events-targets', 'iam', 'lambda', 'logs', 's3', 's3-assets', 'stepfunctions']) {
    Object.values(require('aws-cdk-lib/aws-' + name));
  }
  const from = performance.now();
  const stack = new Stack(new App({ outdir: process.argv[1] }), 'Stack');
  new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image') });
  stack.node.root.synth();
  process.stdout.write(String(performance.now() - from));`;

/** One image and one pool, after the modules are loaded; without the CDK's own check of templates, which the user can switch off too. */
export const synth: Benchmark = {
  name: 'synth',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'benchmark-synth-'));
    try {
      const times: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM, join(folder, String(run))], {
          cwd: join(__dirname, '..'), env: { ...process.env, CDK_VALIDATION: 'false' },
        });
        times.push(Number(stdout) / 1000);
      }
      const value = percentile(times, 0.5);
      return [{ name: 'synth of an image and a pool, p50', value, unit: 's', target: { atMost: 1.5 }, detail: `${RUNS} processes` }];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Benchmark, percentile } from './figure';

const RUNS = 5;
const PROGRAM = join(__dirname, '..', 'local', 'bin', 'microvm-sandbox-local.js');

/** The command, from its start to the line that says where everything is. */
export const start: Benchmark = {
  name: 'start',
  async run() {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) times.push(await startOnce());
    const value = percentile(times, 0.5);
    return [{ name: 'start to ready, p50', value, unit: 'ms', target: { atMost: 1000 }, detail: `${RUNS} starts of the command` }];
  },
};

async function startOnce(): Promise<number> {
  const from = performance.now();
  const program = spawn(process.execPath, [PROGRAM, 'start', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(program, 'exit');
  try {
    const [line] = await Promise.race([once(program.stdout, 'data'), ended.then(() => ['']) as Promise<string[]>]);
    if (!String(line).startsWith('{')) throw new Error('microvm-sandbox-local start --json did not say that it is ready');
    return performance.now() - from;
  } finally {
    program.kill('SIGINT');
    await ended;
  }
}

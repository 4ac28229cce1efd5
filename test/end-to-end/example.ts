import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from './run-program';

const EXAMPLES = join(__dirname, '..', '..', 'examples');
const CDK = join(dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');

/** Synthesizes an example as a user does, by the CDK CLI in its folder. Answers the folder of the cloud assembly. */
export async function synthesizeExample(name: string): Promise<string> {
  const assembly = await mkdtemp(join(tmpdir(), `${name}-assembly-`));
  const { exitCode, output } = await runProgram([CDK, 'synth', '--quiet', '--no-notices', '--output', assembly], {
    cwd: join(EXAMPLES, name),
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
  });
  if (exitCode !== 0) throw new Error(`cdk synth of ${name} ended with ${exitCode}:\n${output}`);
  return assembly;
}

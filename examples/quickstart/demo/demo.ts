/**
 * The whole story on one machine: synthesize this app, deploy its template to the local cloud, run code in a sandbox, suspend and
 * resume it, and take everything down again. `npm run demo` in the root of the repository runs it.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SandboxClient, type Sandbox, SandboxTerminatedError } from 'microvm-sandbox';
import { type CloudEvent, type DeployedStack, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import type { RunCodeResult } from '../handler';
import { Output } from './output';
import { runCommand } from './run-command';
import { NODE_SNIPPET, PYTHON_SNIPPET, STATE_KEEPER } from './snippets';
import { Story } from './story';

const STACK = 'Quickstart';

async function main(): Promise<void> {
  const story = new Story();
  const assembly = await mkdtemp(join(tmpdir(), 'quickstart-demo-'));
  let cloud: LocalCloud | undefined;
  try {
    await story.step('synthesize the app with the CDK', (tell) => synthesize(assembly, tell));
    await story.step('start the local cloud', async (tell) => {
      cloud = await startLocalCloud({ onEvent: teller(tell) });
      return `${cloud.endpoint}, microVMs in ${cloud.isolation}`;
    });
    assert(cloud);
    await use(cloud, assembly, story);
  } finally {
    await cloud?.stop();
    await rm(assembly, { recursive: true, force: true });
  }
  story.table();
}

async function synthesize(assembly: string, tell: (line: string) => void): Promise<string> {
  tell('npx cdk synth');
  const cdk = join(dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');
  await runCommand(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', assembly], join(__dirname, '..'));
  return `the cloud assembly of ${STACK}`;
}

async function use(cloud: LocalCloud, assembly: string, story: Story): Promise<void> {
  let stack: DeployedStack | undefined;
  await story.step('deploy the template', async () => {
    [stack] = await cloud.deploy(assembly);
    const builds = stack.resources.filter(({ type }) => type === 'Custom::MicrovmSandboxImage').length;
    assert.equal(builds, 1);
    return `${stack.resources.length} resources, one of them an image that was built and is active`;
  });
  assert(stack);

  Object.assign(process.env, cloud.environment, { SANDBOX_POOL: stack.outputs.SandboxPool });
  await using client = new SandboxClient();
  let sandbox: Sandbox | undefined;
  await story.step('create a sandbox', async (tell) => {
    sandbox = await client.create({ metadata: { purpose: 'demo' } });
    tell(`launched ${sandbox.launch.kind}: ${JSON.stringify(sandbox.launch.timings)} ms`);
    return `${sandbox.sandboxId}, its lease ends at ${sandbox.expiresAt.toISOString().slice(11, 19)}`;
  });
  assert(sandbox);
  await work(sandbox, story);

  const { RunCodeName } = stack.outputs;
  await story.step("call the app's own function", (tell) => callFunction(cloud, RunCodeName, tell));
  await story.step('kill the sandbox', () => killed(client, sandbox as Sandbox));
  await story.step('destroy the stack', async () => {
    await cloud.destroy(STACK);
    const left = JSON.stringify(cloud.inventory());
    assert.doesNotMatch(left, /"[^"]+":\[[^\]]/, `something was left behind: ${left}`);
    return 'no microVM, image, object, function, role, table or log group is left';
  });
}

async function work(sandbox: Sandbox, story: Story): Promise<void> {
  await story.step('run code, output as it comes', async (tell) => {
    const print = (chunk: string) => chunk.trimEnd().split('\n').forEach((line) => tell(`| ${line}`));
    const hasPython = (await sandbox.commands.run('python3 --version')).exitCode === 0;
    if (hasPython) {
      await sandbox.files.write('numbers.py', PYTHON_SNIPPET);
      const { exitCode } = await sandbox.commands.run('python3 numbers.py', { onStdout: print, onStderr: print });
      assert.equal(exitCode, 0);
    }
    await sandbox.files.write('numbers.js', NODE_SNIPPET);
    const { exitCode, stdout } = await sandbox.commands.run(['node', 'numbers.js'], { onStdout: print, onStderr: print });
    assert.equal(exitCode, 0);
    assert.match(stdout, /the mean is 3\.875/);
    return hasPython ? 'Python wrote a file, Node read it' : 'Node wrote a file and read it (this machine has no Python)';
  });

  await story.step('suspend and resume', async (tell) => {
    await sandbox.files.write('keeper.js', STATE_KEEPER);
    const output = new Output();
    const keeper = await sandbox.commands.run(['node', 'keeper.js'], { background: true, onStdout: output.add });
    await output.match(/count 3\b/);
    await sandbox.files.write('kept.txt', 'still here');
    await sandbox.pause();
    tell('suspended: the process tree is frozen');
    await sandbox.resume();
    const count = output.count();
    await output.match(new RegExp(`count ${count + 1}\\b`));
    tell(`resumed: process ${keeper.pid} goes on counting, from ${count} to ${output.count()}`);
    assert.equal(await sandbox.files.read('kept.txt'), 'still here');
    await keeper.kill();
    return 'memory, files and processes survived';
  });
}

async function callFunction(cloud: LocalCloud, name: string, tell: (line: string) => void): Promise<string> {
  const { payload, functionError, logs } = await cloud.invoke(name, { language: 'node', code: 'console.log(6 * 7)' });
  assert.equal(functionError, undefined, `${JSON.stringify(payload)}\n${logs.join('\n')}`);
  const { stdout, exitCode, sandboxId } = payload as RunCodeResult;
  tell(`| ${stdout.trim()}`);
  assert.deepEqual({ stdout, exitCode }, { stdout: '42\n', exitCode: 0 });
  return `it used a sandbox of its own, ${sandboxId}`;
}

async function killed(client: SandboxClient, sandbox: Sandbox): Promise<string> {
  assert.equal(await sandbox.kill(), true);
  await assert.rejects(client.connect(sandbox.sandboxId), SandboxTerminatedError);
  return `${sandbox.sandboxId} is terminated`;
}

/** Prints what the local cloud reports: warnings, and each resource that is there. */
function teller(tell: (line: string) => void): (event: CloudEvent) => void {
  return (event) => {
    if (event.kind === 'warning') tell(`! ${event.message}`);
    if (event.kind !== 'resource') return;
    const { status, type, logicalId, reason, durationMs = 0 } = event;
    if (status === 'CREATE_COMPLETE') tell(`+ ${type.padEnd(34)}${String(Math.round(durationMs)).padStart(5)} ms  ${logicalId.replace(/[0-9A-F]{8}$/, '')}`);
    if (status.endsWith('_FAILED')) tell(`✗ ${type} ${logicalId}: ${reason}`);
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

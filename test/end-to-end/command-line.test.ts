import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { BUILT, processesWith, ProgramHome } from '../local/cli/program';
import { CloudUser } from '../local/cloud-user';
import { removeAssemblies, synthesize } from '../local/deploy/synthesized';
import { COUNTER } from '../local/microvms/guests';

const PLACE = ['--region', 'eu-west-1', '--account', '111122223333'];
const SMALL = { resources: [{ minimumMemoryInMiB: 512 }] };

let home: ProgramHome;

beforeEach(() => {
  home = new ProgramHome(BUILT);
});

afterEach(async () => {
  await home.end();
  removeAssemblies();
});

function assembly(ids: readonly string[], value = 'one'): string {
  return synthesize((scope: Stack) => {
    const image = SandboxImage.fromSandboxImageAttributes(scope, 'Image', {
      imageArn: 'arn:aws:lambda:eu-west-1:111122223333:microvm-image:mine', imageVersion: '1.0', daemonPort: 8080,
    });
    for (const id of ids) new CfnOutput(scope, `${id}Allocator`, { value: new SandboxPool(scope, id, { image }).allocatorArn });
    new StringParameter(scope, 'Parameter', { stringValue: value });
  });
}

test('the installed program starts a cloud for an app, lists and shows its microVMs, keeps to the memory, watches, and leaves nothing', async () => {
  const watched = join(home.folder, 'cdk.out');
  cpSync(assembly(['Pool']), watched, { recursive: true });
  const flags = ['--isolation', 'processes', '--time-scale', '0', '--memory-quota', '512', ...PLACE];
  const { program, ready } = await home.start(...flags, '--app', watched, '--watch');
  const { aws } = ready.endpoints;
  expect(Object.keys(ready)).toEqual(['endpoints', 'env', 'stacks']);
  expect(ready.endpoints).toEqual({ aws, lambdaMicrovms: aws, s3: aws, dynamodb: aws, lambda: aws, microvms: aws });
  expect(ready.env).toEqual({
    AWS_ENDPOINT_URL: aws,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: expect.any(String),
    AWS_SECRET_ACCESS_KEY: expect.any(String),
    MICROVM_SANDBOX_LOCAL_ENDPOINT: aws,
    SANDBOX_POOL: ready.stacks[0].outputs.PoolAllocator,
  });
  expect(ready.env.SANDBOX_POOL).toMatch(/^arn:aws:lambda:eu-west-1:111122223333:function:/);

  const user = new CloudUser(ready.env);
  const image = await user.buildImage('counter', COUNTER, SMALL);
  const { id } = await user.run(image, { executionRoleArn: 'arn:aws:iam::111122223333:role/guest' });
  const second = user.microvms.send(new RunMicrovmCommand({ imageIdentifier: image }));
  await expect(second).rejects.toMatchObject({ $metadata: { httpStatusCode: 402 } });
  user.close();

  const list = home.run('ps');
  expect([await list.exit, list.stdout]).toEqual([0, expect.stringMatching(new RegExp(`^MICROVM .*\\n${id}  RUNNING  counter 1\\.0  \\d{4}-`))]);
  const json = home.run('ps', '--json', '--endpoint', aws);
  expect([await json.exit, JSON.parse(json.stdout)]).toEqual([0, expect.objectContaining({ microvmId: id, state: 'RUNNING' })]);
  const follower = home.run('logs', id, '-f', '--port', new URL(aws).port);
  await follower.until('the log', () => follower.stdout.includes('  counter is up\n'));
  follower.kill('SIGINT');
  expect(await follower.exit).toBe(0);
  const logs = home.run('logs', '--json');
  expect(await logs.exit).toBe(0);
  expect(logs.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))).toContainEqual(expect.objectContaining({ microvmId: id, message: 'counter is up' }));

  cpSync(assembly(['Pool'], 'two'), watched, { recursive: true });
  await program.until('the deployment', () => program.stderr.includes('Test  UPDATE_COMPLETE') && program.stderr.includes('deployed again'));

  expect(processesWith(home.folder).length).toBeGreaterThan(1);
  program.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.stdout.split('\n')).toEqual([expect.stringMatching(/^\{/), '']);
  expect([home.cloudFolders(), home.runFiles(), processesWith(home.folder)]).toEqual([[], [], []]);
}, 60_000);

test('the installed program names no pool if there are two, and goes on where it was with --state', async () => {
  const kept = ['--isolation', 'processes', '--state', join(home.folder, 'kept')];
  const first = await home.start(...kept, ...PLACE, '--app', assembly(['One', 'Two']));
  expect(first.ready.env).not.toHaveProperty('SANDBOX_POOL');
  first.program.kill('SIGINT');
  expect(await first.program.exit).toBe(0);
  expect(readdirSync(join(home.folder, 'kept'))).toContain('state.json');

  const second = await home.start(...kept);
  expect(second.ready).toEqual({ endpoints: first.ready.endpoints, env: first.ready.env, stacks: [] });
  second.program.kill('SIGTERM');
  expect(await second.program.exit).toBe(0);
}, 60_000);

test('fails where it cannot say that it runs, and leaves nothing', async () => {
  writeFileSync(join(home.folder, 'xdg'), 'a file where a folder is needed');
  const program = home.run('start', '--isolation', 'processes');
  expect([await program.exit, program.stderr]).toEqual([1, expect.stringContaining('ENOTDIR')]);
  expect([home.cloudFolders(), processesWith(home.folder)]).toEqual([[], []]);
});

test('fails with exit code 2 on what it does not understand, and with 1 where an engine is missing', async () => {
  const unknown = home.run('start', '--verbose');
  expect([await unknown.exit, unknown.stderr]).toEqual([2, expect.stringContaining('start has no option --verbose; it has --help, --app')]);
  const missing = home.run('start', '--engine', 'finch');
  expect([await missing.exit, missing.stderr]).toEqual([1, expect.stringContaining('engine "finch" does not work on this machine')]);
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { CdkCli } from './cdk-cli';
import { changedAssembly } from './cdk-cli-assembly';
import { removeFolder } from './deployed';
import { synthesizeExample } from './example';
import { isolations } from './isolations';
import type { ProgramResult } from './run-program';
import { authorize } from '../authorize';
import { NOTHING_LEFT } from '../local/nothing-left';

/** What a bootstrap makes, and what stays after every other stack is gone. */
const BOOTSTRAPPED = {
  stacks: ['CDKToolkit'],
  buckets: { 'cdk-hnb659fds-assets-000000000000-us-east-1': expect.any(Array) },
  roles: expect.arrayContaining(['cdk-hnb659fds-deploy-role-000000000000-us-east-1', 'cdk-hnb659fds-cfn-exec-role-000000000000-us-east-1']),
};

let cloud: LocalCloud;
let cli: CdkCli;
let lambda: LambdaClient;
let assembly: string;
let changed: string;
let bootstrap: ProgramResult;
let outputs: { RunCodeName: string; SandboxPool: string };

beforeAll(async () => {
  cloud = await startLocalCloud({ isolation: isolations()[0], authorize });
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = cloud.environment;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  lambda = new LambdaClient({ endpoint: cloud.endpoint, region: AWS_REGION, credentials });
  cli = await CdkCli.start(cloud.environment);
  [assembly, bootstrap] = await Promise.all([synthesizeExample('quickstart'), cli.run('bootstrap', 'aws://000000000000/us-east-1')]);
  changed = await changedAssembly(assembly, 'Quickstart', ({ Resources }) => {
    for (const [id, { Properties }] of Object.entries(Resources)) {
      if (id.startsWith('RunCode') && Properties?.MemorySize) Properties.MemorySize = 1024;
    }
  });
}, 180_000);

afterAll(async () => {
  lambda?.destroy();
  await cli?.stop();
  await cloud?.stop();
  await Promise.all([assembly, changed].map((folder) => folder && removeFolder(folder)));
}, 30_000);

test('cdk bootstrap makes what deployments need', () => {
  const { exitCode, output } = bootstrap;
  expect(output).toContain('Environment aws://000000000000/us-east-1 bootstrapped.');
  expect(exitCode).toBe(0);
  expect(cloud.inventory()).toMatchObject(BOOTSTRAPPED);
});

test('cdk deploy publishes the assets, shows the events, and answers the outputs', async () => {
  const outputsFile = join(cli.home, 'outputs.json');
  const { exitCode, output } = await cli.on(assembly, 'deploy', '--require-approval', 'never', '--outputs-file', outputsFile);
  expect(output).toContain('creating CloudFormation changeset...');
  expect(output).toMatch(/CREATE_COMPLETE +\| AWS::CloudFormation::Stack +\| Quickstart/);
  expect(output).not.toContain('could not be used to assume');
  expect(exitCode).toBe(0);
  outputs = (JSON.parse(await readFile(outputsFile, 'utf8')) as { Quickstart: typeof outputs }).Quickstart;
  expect(outputs.SandboxPool).toMatch(/^arn:aws:lambda:us-east-1:000000000000:function:Quickstart-PoolAllocator/);
}, 120_000);

test('what was deployed works', async () => {
  const { Payload } = await lambda.send(new InvokeCommand({
    FunctionName: outputs.RunCodeName, Payload: JSON.stringify({ language: 'node', code: 'console.log(6 * 7)' }),
  }));
  expect(JSON.parse(Buffer.from(Payload ?? []).toString())).toMatchObject({ exitCode: 0, stdout: '42\n' });
}, 30_000);

test('cdk diff shows a change, with a change set and without, and where there is none cdk deploy and cdk bootstrap do nothing', async () => {
  const [different, byTemplate, deploy, again] = await Promise.all([
    cli.on(changed, 'diff', '--method=change-set'), cli.on(changed, 'diff', '--method=template'),
    cli.on(assembly, 'deploy', '--require-approval', 'never'), cli.run('bootstrap', 'aws://000000000000/us-east-1'),
  ]);
  for (const { output } of [different, byTemplate]) expect(output).toMatch(/\[~\] AWS::Lambda::Function RunCode .*\n.*MemorySize\n.*512\n.*1024/);
  expect(deploy.output).toContain('Quickstart (no changes)');
  expect(again.output).toContain('bootstrapped (no changes)');
  expect([different, byTemplate, deploy, again].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
}, 120_000);

test('cdk deploy makes a change', async () => {
  const { exitCode, output } = await cli.on(changed, 'deploy', '--require-approval', 'never', '--method=direct');
  expect(output).toMatch(/UPDATE_COMPLETE +\| AWS::Lambda::Function +\| RunCode/);
  expect(exitCode).toBe(0);
  const { MemorySize } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: outputs.RunCodeName }));
  expect(MemorySize).toBe(1024);
}, 120_000);

test('cdk destroy leaves nothing but the bootstrap', async () => {
  const { exitCode, output } = await cli.on(changed, 'destroy', '--force');
  expect(output).toContain('Quickstart: destroyed');
  expect(exitCode).toBe(0);
  expect(cloud.inventory()).toEqual({ ...NOTHING_LEFT, ...BOOTSTRAPPED });
}, 120_000);

test('the roles of the bootstrap allow all of this', () => {
  expect(cloud.denials).toEqual([]);
});

test('none of this asked anything of the world outside', () => {
  expect(cli.outside).toEqual([]);
});

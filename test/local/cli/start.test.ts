import { randomUUID } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, DescribeLogGroupsCommand, PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, CustomResource } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Ready } from './program';
import { processesWith, ProgramHome } from './program';
import { inlineFunction, removeAssemblies, synthesize } from '../deploy/synthesized';

let home: ProgramHome;

beforeEach(() => {
  home = new ProgramHome();
});

afterEach(async () => {
  await home.end();
  removeAssemblies();
});

const pool = (scope: Stack) => {
  const image = SandboxImage.fromSandboxImageAttributes(scope, 'Image', {
    imageArn: 'arn:aws:lambda:us-east-1:000000000000:microvm-image:mine', imageVersion: '1.0', daemonPort: 8080,
  });
  const { allocatorArn } = new SandboxPool(scope, 'Pool', { image });
  new CfnOutput(scope, 'Allocator', { value: allocatorArn });
};

/** As the service writes what a microVM with an execution role says. */
async function writeLog({ env }: Ready, logStreamName: string, messages: string[]): Promise<void> {
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  const client = new CloudWatchLogsClient({ endpoint: env.AWS_ENDPOINT_URL, region: env.AWS_REGION, credentials });
  const logGroupName = '/aws/lambda-microvms/mine';
  const { logGroups = [] } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: logGroupName }));
  if (logGroups.length === 0) await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const logEvents = messages.map((message) => ({ message, timestamp: Date.now() }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
  client.destroy();
}

test('prints one line of JSON once the app is deployed, serves it, and leaves nothing after Ctrl-C', async () => {
  const { program, ready } = await home.start('--isolation', 'processes', '--app', synthesize(pool));
  const { aws } = ready.endpoints;
  expect(ready.endpoints).toEqual({ aws, lambdaMicrovms: aws, s3: aws, dynamodb: aws, lambda: aws, microvms: aws });
  expect(ready.stacks[0].stackName).toBe('Test');
  expect(ready.env).toEqual({
    AWS_ENDPOINT_URL: aws,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: expect.any(String),
    AWS_SECRET_ACCESS_KEY: expect.any(String),
    MICROVM_SANDBOX_LOCAL_ENDPOINT: aws,
    SANDBOX_POOL: ready.stacks[0].outputs.Allocator,
  });
  expect(program.stderr).toMatch(/Test {2}CREATE_COMPLETE {2}\w+ \(AWS::DynamoDB::Table\)/);
  const list = home.run('ps');
  expect([await list.exit, list.stdout]).toEqual([0, 'MICROVM  STATE  IMAGE  STARTED\n']);
  const logs = home.run('logs', 'microvm-none');
  expect([await logs.exit, logs.stderr]).toEqual([1, expect.stringContaining('there is no microVM "microvm-none"')]);
  const microvmId = `microvm-${randomUUID()}`;
  await writeLog(ready, `2026/01/01[1.0]${microvmId}`, ['one', 'two']);
  const follower = home.run('logs', microvmId, '--follow', '--endpoint', aws);
  await follower.until('log', () => follower.stdout.includes('two'));
  await writeLog(ready, `2026/01/02[1.0]${microvmId}`, ['three']);
  await follower.until('new line', () => follower.stdout.includes('three'));
  follower.kill('SIGINT');
  expect(await follower.exit).toBe(0);
  expect(follower.stdout.trimEnd().split('\n').map((line) => line.split('  ')[1])).toEqual(['one', 'two', 'three']);
  program.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.stdout.split('\n')).toHaveLength(2);
  expect([home.cloudFolders(), home.runFiles(), processesWith(home.folder)]).toEqual([[], [], []]);
});

test('tells people what to export, and stops at once when it is asked twice', async () => {
  const program = home.run('start', '--isolation', 'processes');
  await program.until('words', () => program.stdout.includes('Ctrl-C stops it.'));
  expect(program.stdout).toMatch(/The local cloud is ready: .* at (http:\/\/127\.0\.0\.1:\d+)\n\nexport AWS_ENDPOINT_URL=\1\n/);
  program.kill('SIGTERM');
  program.kill('SIGINT');
  expect(await program.exit).toBe(130);
});

test('deploys again when the assembly was written anew, and goes on after one that fails', async () => {
  const versions = ['one', 'two'].map((stringValue) => synthesize((scope) => {
    new CfnOutput(scope, 'Value', { value: new StringParameter(scope, 'P', { stringValue }).stringValue });
  }));
  const watched = join(home.folder, 'cdk.out');
  cpSync(versions[0], watched, { recursive: true });
  const { program } = await home.start('--isolation', 'processes', '--app', watched, '--watch');
  const manifest = readFileSync(join(versions[1], 'manifest.json'));
  writeFileSync(join(watched, 'manifest.json'), '{ torn');
  await program.until('failure', () => program.stderr.includes('waiting for the next change'));
  cpSync(versions[1], watched, { recursive: true });
  writeFileSync(join(watched, 'manifest.json'), manifest);
  await program.until('deployment', () => program.stderr.includes('Test  UPDATE_COMPLETE') && program.stderr.includes('deployed again'));
  program.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

test('breaks a deployment off when it is stopped, and leaves no process', async () => {
  const app = synthesize((scope) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000))');
    new CustomResource(scope, 'Slow', { serviceToken: handler.functionArn });
  });
  const program = home.run('start', '--isolation', 'processes', '--app', app);
  const functions = () => processesWith('/bootstrap', home.folder);
  await program.until('function', () => functions().length === 1);
  program.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect([functions(), home.cloudFolders()]).toEqual([[], []]);
  expect(program.stderr).not.toContain('error');
});

test('fails with the reason when the app cannot be deployed', async () => {
  const app = synthesize((scope) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = async () => { throw new Error(\'no luck\'); }');
    new CustomResource(scope, 'Broken', { serviceToken: handler.functionArn });
  });
  const program = home.run('start', '--isolation', 'processes', '--json', '--app', app);
  expect(await program.exit).toBe(1);
  expect(program.stderr).toMatch(/error: stack Test: Broken \(AWS::CloudFormation::CustomResource\): .*no luck/s);
  expect([program.stdout, home.cloudFolders()]).toEqual(['', []]);
});

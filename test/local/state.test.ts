import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTimeToLiveCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, CustomResource, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { CloudEvent, LocalCloud } from 'microvm-sandbox-local';
import { startLocalCloud } from 'microvm-sandbox-local';
import { inlineFunction, removeAssemblies, synthesize } from './deploy/synthesized';
import { NOTHING_LEFT } from './nothing-left';
import { ownIdentity } from '../../local/src/state/process-identity';

const clouds: LocalCloud[] = [];
let folder: string;

async function start(options: Parameters<typeof startLocalCloud>[0] = {}): Promise<LocalCloud> {
  const cloud = await startLocalCloud({ isolation: 'processes', state: join(folder, 'state'), ...options });
  clouds.push(cloud);
  return cloud;
}

const stateFile = () => join(folder, 'state', 'state.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-test-'));
});

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.stop()));
  rmSync(folder, { recursive: true });
  removeAssemblies();
});

const app = (scope: Stack) => {
  const handler = inlineFunction(scope, 'Handler', 'exports.handler = async () => { console.log(\'hello\'); return process.env.TABLE; }');
  const table = new Table(scope, 'Table', {
    partitionKey: { name: 'id', type: AttributeType.STRING }, timeToLiveAttribute: 'gone', removalPolicy: RemovalPolicy.DESTROY,
  });
  handler.addEnvironment('TABLE', table.tableName);
  new Rule(scope, 'Rule', { schedule: Schedule.expression('rate(1 hour)'), targets: [new LambdaFunction(handler)] });
  new StringParameter(scope, 'Parameter', { parameterName: '/a/b', stringValue: 'c' });
  new CfnOutput(scope, 'FunctionName', { value: handler.functionName });
  new CfnOutput(scope, 'TableName', { value: table.tableName });
};

function clientsOf({ endpoint, environment }: LocalCloud) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const credentials = { accessKeyId, secretAccessKey };
  const configuration = { endpoint, region: 'us-east-1', credentials };
  return { s3: new S3Client(configuration), dynamodb: new DynamoDBClient(configuration) };
}

test('keeps stacks, tables, objects, functions, logs, rules, keys, the clock and the port over a restart', async () => {
  const first = await start();
  const [{ outputs }] = await first.deploy(synthesize(app));
  const { s3, dynamodb } = clientsOf(first);
  const item = { id: { S: 'one' }, bytes: { B: Buffer.from([1, 2]) } };
  await dynamodb.send(new PutItemCommand({ TableName: outputs.TableName, Item: item }));
  await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/b', Body: 'bytes', ContentType: 'text/x' }));
  await first.invoke(outputs.FunctionName, {});
  await first.clock.advance({ minutes: 10 });
  const inventory = first.inventory();
  await first.stop();

  const second = await start();
  expect(second.endpoint).toBe(first.endpoint);
  expect(second.environment).toEqual(first.environment);
  expect(second.inventory()).toEqual({ ...inventory, functionProcesses: 0 });
  expect(second.clock.offsetMs).toBe(first.clock.offsetMs);
  const again = clientsOf(second);
  expect((await again.dynamodb.send(new GetItemCommand({ TableName: outputs.TableName, Key: { id: item.id } }))).Item)
    .toEqual({ id: item.id, bytes: { B: new Uint8Array([1, 2]) } });
  const describe = new DescribeTimeToLiveCommand({ TableName: outputs.TableName });
  const { TimeToLiveDescription } = await again.dynamodb.send(describe);
  expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'gone' });
  const object = await again.s3.send(new GetObjectCommand({ Bucket: 'kept', Key: 'a/b' }));
  expect([await object.Body?.transformToString(), object.ContentType]).toEqual(['bytes', 'text/x']);
  expect(second.logs(`/aws/lambda/${outputs.FunctionName}`)).toEqual(['hello']);
  expect((await second.invoke(outputs.FunctionName, {})).payload).toBe(outputs.TableName);
  await second.clock.advance({ minutes: 51 });
  expect(second.logs(`/aws/lambda/${outputs.FunctionName}`)).toHaveLength(3);
  await second.destroy('Test');
  expect(second.inventory()).toEqual({ ...NOTHING_LEFT, buckets: { kept: ['a/b'] } });
});

test('writes a change a moment after it, for its owner only', async () => {
  const cloud = await start();
  const { s3 } = clientsOf(cloud);
  await s3.send(new CreateBucketCommand({ Bucket: 'fresh' }));
  const end = Date.now() + 5000;
  while (!(existsSync(stateFile()) && readFileSync(stateFile(), 'utf8').includes('"fresh"'))) {
    if (Date.now() > end) throw new Error('the bucket was not saved');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(statSync(stateFile()).mode % 0o100).toBe(0);
  expect(readdirSync(join(folder, 'state')).filter((name) => name.endsWith('.new'))).toEqual([]);
});

test('keeps the content of an object that the state names until the next state is written', async () => {
  const first = await start();
  const { s3 } = clientsOf(first);
  const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body }));
  await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await put('old');
  await first.stop();
  const saved = readFileSync(stateFile());

  const second = await start();
  await clientsOf(second).s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'new' }));
  // As a process that is killed right now leaves the folder.
  const files = readdirSync(join(folder, 'state', 's3'));
  expect(files).toHaveLength(2);
  await second.stop();
  expect(readFileSync(stateFile()).equals(saved)).toBe(false);
  const third = await start();
  const object = await clientsOf(third).s3.send(new GetObjectCommand({ Bucket: 'kept', Key: 'key' }));
  expect(await object.Body?.transformToString()).toBe('new');
  expect(readdirSync(join(folder, 'state', 's3'))).toHaveLength(1);
});

test('finds what a deployment had made that stop() broke off, and deletes it', async () => {
  const events: CloudEvent[] = [];
  const first = await start({ onEvent: (event) => events.push(event) });
  const assembly = synthesize((scope) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000))');
    const slow = new CustomResource(scope, 'Slow', { serviceToken: handler.functionArn });
    new StringParameter(scope, 'Parameter', { parameterName: '/a/b', stringValue: 'c' }).node.addDependency(slow);
  });
  const deployment = expect(first.deploy(assembly)).rejects.toThrow('the local cloud was stopped while this was under way');
  for (const end = Date.now() + 10_000; first.inventory().functionProcesses === 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await first.stop();
  await deployment;
  expect(events.flatMap((event) => (event.kind === 'stack' ? [event.status] : []))).toEqual(['CREATE_IN_PROGRESS']);

  const second = await start();
  expect(second.inventory()).toMatchObject({ stacks: ['Test'], roles: [expect.stringMatching(/^Test-Handler/)] });
  const asked = second.destroy('Test');
  for (const end = Date.now() + 10_000; second.inventory().functionProcesses === 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await second.clock.advance({ hours: 1 });
  await expect(asked).rejects.toThrow('did not receive a response from your Custom Resource within 3600 seconds');
});

test('fails for a folder that another local cloud uses, and takes the one of a dead cloud over', async () => {
  const cloud = await start();
  await expect(start()).rejects.toThrow(`the local cloud with the process id ${process.pid} uses`);
  await cloud.stop();
  writeFileSync(join(folder, 'state', 'lock.json'), JSON.stringify({ ...ownIdentity(), startedAt: 'another time' }));
  await expect(start()).resolves.toBeDefined();
});

test.each([
  ['is torn', '{"format":"microvm-sandbox-lo', 'is not whole'],
  ['is foreign', '{"name":"x"}', 'is not the state of a local cloud'],
  ['is of another version', '{"format":"microvm-sandbox-local","version":99}', 'has the version 99, and this local cloud reads version 1'],
  ['lacks a member', '{"format":"microvm-sandbox-local","version":1,"parts":{}}', 'lacks its account, region or parts'],
])('fails for a state that %s, and leaves it as it is', async (_, text, reason) => {
  await (await start()).stop();
  writeFileSync(stateFile(), text);
  await expect(start()).rejects.toThrow(`${stateFile()} ${reason}`);
  expect(readFileSync(stateFile(), 'utf8')).toBe(text);
});

test('fails for a state whose parts do not fit, and names the part', async () => {
  const cloud = await start();
  const { s3 } = clientsOf(cloud);
  await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'x' }));
  await cloud.stop();
  const text = readFileSync(stateFile(), 'utf8');
  rmSync(join(folder, 'state', 's3'), { recursive: true });
  await expect(start()).rejects.toThrow(/the part "s3" of .*state\.json cannot be restored \(the contents of 1 objects are missing/);
  expect(readFileSync(stateFile(), 'utf8')).toBe(text);
});

test('fails for a port that is in use, and leaves the state as it is', async () => {
  const kept = await start();
  await kept.stop();
  const text = readFileSync(stateFile(), 'utf8');
  const other = await start({ state: undefined });
  await expect(start({ port: Number(new URL(other.endpoint).port) })).rejects.toThrow('is in use (EADDRINUSE)');
  expect(readFileSync(stateFile(), 'utf8')).toBe(text);
});

test('fails for another account or Region than the state\'s, and takes the state\'s without being told', async () => {
  await (await start({ account: '111122223333', region: 'eu-west-1' })).stop();
  await expect(start({ account: '000000000000' })).rejects.toThrow('is of account 111122223333 in eu-west-1');
  await expect(start({ region: 'us-east-1' })).rejects.toThrow('start with these');
  expect((await start()).environment.AWS_REGION).toBe('eu-west-1');
});

test('fails for a folder with other files, and for a file', async () => {
  writeFileSync(join(folder, 'mine.txt'), 'precious');
  await expect(start({ state: folder })).rejects.toThrow('holds other files, such as "mine.txt"');
  await expect(start({ state: join(folder, 'mine.txt') })).rejects.toThrow('is not a folder');
  expect(readdirSync(folder)).toEqual(['mine.txt']);
});

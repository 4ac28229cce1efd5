import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaMicrovmsClient, ListMicrovmImagesCommand } from '@aws-sdk/client-lambda-microvms';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, CustomResource, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { CloudEvent, LocalCloud } from 'microvm-sandbox-local';
import { startLocalCloud } from 'microvm-sandbox-local';
import { inlineFunction, removeAssemblies, synthesize } from './deploy/synthesized';
import { NOTHING_LEFT } from './nothing-left';
import { chooseIsolation } from '../../local/src/isolation';

const clouds: LocalCloud[] = [];

async function start(options: Parameters<typeof startLocalCloud>[0] = {}): Promise<LocalCloud> {
  const cloud = await startLocalCloud({ isolation: 'processes', ...options });
  clouds.push(cloud);
  return cloud;
}

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.stop()));
  removeAssemblies();
});

const app = (scope: Stack) => {
  const table = new Table(scope, 'Table', { partitionKey: { name: 'id', type: AttributeType.STRING }, removalPolicy: RemovalPolicy.DESTROY });
  const handler = inlineFunction(scope, 'Handler', 'exports.handler = async (event) => { console.log(\'hello\'); if (event.fail) throw new Error(\'asked to\'); return { pid: process.pid, event }; }');
  new CfnOutput(scope, 'FunctionName', { value: handler.functionName });
  new CfnOutput(scope, 'TableName', { value: table.tableName });
};

test('deploys an app, runs it, shows its logs and deletes it', async () => {
  const events: CloudEvent[] = [];
  const cloud = await start({ onEvent: (event) => events.push(event) });
  const [{ outputs }] = await cloud.deploy(synthesize(app), { stacks: ['Test'] });
  const { payload, functionError, logs } = await cloud.invoke(outputs.FunctionName, { a: 1 });
  expect({ payload, functionError, logs }).toMatchObject({ payload: { event: { a: 1 } }, functionError: undefined, logs: ['hello'] });
  expect(await cloud.invoke(outputs.FunctionName, { fail: true })).toMatchObject({ payload: { errorMessage: 'asked to' }, functionError: 'Unhandled' });
  expect(cloud.logs(`/aws/lambda/${outputs.FunctionName}`)).toContain('hello');
  expect(events).toContainEqual({ kind: 'log', logGroup: `/aws/lambda/${outputs.FunctionName}`, message: 'hello' });
  await cloud.destroy('Test');
  expect(cloud.inventory()).toEqual(NOTHING_LEFT);
});

test('serves the SDK\'s clients with nothing but its environment, the MicroVMs too', async () => {
  const cloud = await start({ region: 'eu-west-1', account: '111122223333' });
  const [{ outputs }] = await cloud.deploy(synthesize(app));
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = cloud.environment;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  const configuration = { endpoint: AWS_ENDPOINT_URL, region: AWS_REGION, credentials };
  const dynamodb = new DynamoDBClient(configuration);
  const { Table: table } = await dynamodb.send(new DescribeTableCommand({ TableName: outputs.TableName }));
  expect(table?.TableArn).toBe(`arn:aws:dynamodb:eu-west-1:111122223333:table/${outputs.TableName}`);
  const microvms = new LambdaMicrovmsClient(configuration);
  expect((await microvms.send(new ListMicrovmImagesCommand({}))).items).toEqual([]);
  expect(cloud.environment.MICROVM_SANDBOX_LOCAL_ENDPOINT).toBe(cloud.endpoint);
  dynamodb.destroy();
  microvms.destroy();
});

test('leaves no process, no port and no file behind once it is stopped', async () => {
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('microvm-local-'));
  const before = folders();
  const cloud = await start();
  const [mine] = folders().filter((name) => !before.includes(name));
  const [{ outputs }] = await cloud.deploy(synthesize(app));
  const { pid } = (await cloud.invoke(outputs.FunctionName, {})).payload as { pid: number };
  await cloud.stop();
  await cloud.stop();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(fetch(cloud.endpoint)).rejects.toThrow();
  expect(existsSync(`${tmpdir()}/${mine}`)).toBe(false);
});

test('fails a deployment that stop() breaks off, and one after it', async () => {
  const cloud = await start();
  const assembly = synthesize((scope) => {
    const handler = inlineFunction(scope, 'Handler', 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000))');
    new CustomResource(scope, 'Slow', { serviceToken: handler.functionArn });
  });
  const deployment = expect(cloud.deploy(assembly)).rejects.toThrow('the local cloud was stopped while this was under way');
  const end = Date.now() + 10_000;
  while (cloud.inventory().functionProcesses === 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await cloud.stop();
  await deployment;
  expect(existsSync(cloud.folder)).toBe(false);
  await expect(cloud.deploy(assembly)).rejects.toThrow('deploy: the local cloud is stopped; start another');
});

test('fails for a region, account, port or isolation that cannot be', async () => {
  await expect(start({ account: '12' })).rejects.toThrow('account "12"');
  await expect(start({ region: 'here' })).rejects.toThrow('region "here"');
  const cloud = await start();
  await expect(start({ port: Number(new URL(cloud.endpoint).port) })).rejects.toThrow('EADDRINUSE');
  const none = async () => ({ isolation: 'processes', reason: 'not allowed' }) as const;
  await expect(chooseIsolation('auto', 'bubblewrap', none)).rejects.toThrow('"bubblewrap" is none of auto, namespaces, processes');
  await expect(chooseIsolation('namespaces', undefined, none)).rejects.toThrow('not possible on this machine: not allowed');
});

test.each([
  [{ timescale: 1 }, 'there is no option "timescale"; there are port, region, account, state'],
  [{ port: -1 }, 'port -1 is not a whole number from 0 to 65535'],
  [{ port: '4566' }, 'port is a string, and has to be a number'],
  [{ state: ' ' }, 'state is empty; name a folder, or leave it out to keep nothing'],
  [{ spares: 0.5 }, 'spares 0.5 is not a whole number from 0, which is none'],
  [{ authorize: true }, 'authorize is a boolean, and has to be a function'],
  [{ bandwidth: 'yes' }, 'bandwidth is a string, and has to be a boolean'],
  [{ engine: 'moby' }, 'engine "moby" is none of none, auto, docker, podman, finch, nerdctl'],
  [{ isolation: 'full' }, 'isolation "full" is none of auto, namespaces, processes'],
])('fails with %j and names what is allowed', async (options, message) => {
  await expect(startLocalCloud(options as object)).rejects.toThrow(`startLocalCloud: ${message}`);
});

test('takes the isolation of the environment where the options leave it open', async () => {
  const possible = async () => ({ isolation: 'namespaces' }) as const;
  expect(await chooseIsolation('auto', 'processes', possible)).toEqual({ isolation: 'processes' });
  expect(await chooseIsolation('auto', undefined, possible)).toEqual({ isolation: 'namespaces' });
  expect(await chooseIsolation('namespaces', 'processes', possible)).toEqual({ isolation: 'namespaces' });
});

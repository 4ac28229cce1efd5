import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient, GetAccountSettingsCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { LambdaMicrovmsClient, ListMicrovmsCommand, ListTagsCommand } from '@aws-sdk/client-lambda-microvms';
import { EC2_SIGNATURE } from './signatures';
import type { TestCloud } from './test-cloud';
import { startTestCloud } from './test-cloud';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
});

afterAll(() => cloud.stop());

/** A request with a `Host` header of its own, which fetch does not allow. */
function send(path: string, { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string }): Promise<{ status: number; body: string; response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: cloud.port, path, method, headers: { ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, response }));
    });
    call.on('upgrade', (response) => resolve({ status: response.statusCode ?? 0, body: '', response }));
    call.on('error', reject);
    call.end(body);
  });
}

const ENDPOINT = '0b1f1f4c-7a43-4a3b-9a8e-000000000001.lambda-microvm.us-east-1.on.aws';

test('passes MicroVMs requests, and tags of images, to the MicroVMs service with the signer\'s access key', async () => {
  const client = new LambdaMicrovmsClient(cloud.clientConfiguration);
  await client.send(new ListMicrovmsCommand({ imageIdentifier: 'arn:x' }));
  await client.send(new ListTagsCommand({ Resource: 'arn:aws:lambda:us-east-1:000000000000:microvm-image:one' }));
  client.destroy();
  expect(cloud.microvms.requests.map(({ path }) => path)).toEqual([
    '/2025-09-09/microvms', '/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Amicrovm-image%3Aone',
  ]);
  expect(cloud.microvms.requests[0].query.get('imageIdentifier')).toBe('arn:x');
  expect(cloud.microvms.requests[0].accessKeyId).toBe(cloud.services.iam.user.accessKeyId);
});

test('passes requests about network connectors, and their tags, to Lambda Core', async () => {
  const headers = { authorization: EC2_SIGNATURE.replace('/ec2/', '/lambda/') };
  const input = {
    ClientToken: 'one',
    Name: 'one',
    OperatorRole: 'arn:aws:iam::000000000000:role/Operator',
    Configuration: { VpcEgressConfiguration: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'], NetworkProtocol: 'IPv4', AssociatedComputeResourceTypes: ['MicroVm'] } },
  };
  const created = await send('/2026-04-04/network-connectors', { method: 'POST', headers, body: JSON.stringify(input) });
  expect(created.status).toBe(202);
  const { Arn } = JSON.parse(created.body) as { Arn: string };
  expect(await send(`/2017-03-31/tags/${encodeURIComponent(Arn)}`, { headers })).toMatchObject({ status: 200, body: '{"Tags":{}}' });
  expect(await send('/2026-04-04/network-connectors/none', { headers })).toMatchObject({
    status: 404, body: '{"Type":"User","Message":"Network connector not found: none"}',
  });
});

test('passes function requests to Lambda', async () => {
  const client = new LambdaClient(cloud.clientConfiguration);
  await expect(client.send(new InvokeCommand({ FunctionName: 'none' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(client.send(new GetAccountSettingsCommand({}))).rejects.toMatchObject({ message: expect.stringContaining('has no GET') });
  client.destroy();
});

test('passes a microVM\'s requests and upgrades on by their host name', async () => {
  expect(await send('/any', { method: 'POST', headers: { host: ENDPOINT }, body: 'echo' })).toMatchObject({ status: 200, body: 'echo' });
  const upgrade = await send('/socket', { headers: { host: `${ENDPOINT}:443`, connection: 'upgrade', upgrade: 'websocket' } });
  expect(upgrade.status).toBe(101);
  expect(cloud.microvms.upgrades).toEqual(['/socket']);
});

test('fails with the name of a service that is not there', async () => {
  const answer = await send('/', { method: 'POST', headers: { authorization: EC2_SIGNATURE } });
  expect(answer).toMatchObject({ status: 501, body: expect.stringContaining('no service \\"ec2\\"') });
});

test.each([
  ['of a call', { authorization: EC2_SIGNATURE }, 70_167_211],
  ['of an object', {}, 2 ** 30],
])('fails with 413 for a body %s that is too long, before it is sent, and hangs up', async (_, headers, limit) => {
  const call = request({ port: cloud.port, host: '127.0.0.1', method: 'POST', headers: { ...headers, 'content-length': limit + 1 } });
  call.on('error', () => undefined).flushHeaders();
  const [answer] = await once(call, 'response') as [IncomingMessage];
  expect(answer.statusCode).toBe(413);
  expect(answer.headers.connection).toBe('close');
  expect((await answer.toArray()).join('')).toContain(`larger than ${limit} bytes`);
});

test('fails for a host name that is not the local cloud\'s', async () => {
  expect(await send('/bucket', { headers: { host: 'attacker.example' } })).toMatchObject({ status: 421 });
});

test('tells the time of the cloud\'s clock', async () => {
  await cloud.clock.advance({ hours: 5 });
  const { response } = await send('/', {});
  expect(Math.abs(Date.parse(response.headers.date ?? '') - cloud.clock.now())).toBeLessThan(5000);
});

test('loses the answers that it was told to lose, after the request took effect', async () => {
  const requestHandler = { requestTimeout: 300, throwOnRequestTimeout: true };
  const client = new DynamoDBClient({ ...cloud.clientConfiguration, requestHandler });
  await cloud.services.dynamodb.call('CreateTable', {
    TableName: 'faulty',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  });
  const put = (id: string) => client.send(new PutItemCommand({ TableName: 'faulty', Item: { id: { S: id } } }));
  cloud.faults.loseAnswer({ operation: 'PutItem' });
  await expect(put('lost')).rejects.toMatchObject({ name: 'TimeoutError' });
  await put('answered');
  const { Items } = await cloud.services.dynamodb.call('Scan', { TableName: 'faulty' });
  expect(Items).toHaveLength(2);
  client.destroy();
});

test('loses the answer of RunMicrovm and of no other operation', async () => {
  const client = new LambdaMicrovmsClient(cloud.clientConfiguration);
  cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 1 });
  await client.send(new ListMicrovmsCommand({ imageIdentifier: 'arn:x' }));
  const run = await fetch(`${cloud.endpoint}/2025-09-09/microvms`, {
    method: 'POST',
    headers: { authorization: EC2_SIGNATURE.replace('/ec2/', '/lambda/') },
    signal: AbortSignal.timeout(300),
  }).catch((error: Error) => error.name);
  client.destroy();
  expect(run).toBe('TimeoutError');
});

test('fails for a fault in an operation that nobody knows', () => {
  expect(() => cloud.faults.loseAnswer({ operation: 'RunMicroVM' })).toThrow('"RunMicroVM"');
  expect(() => cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 0 })).toThrow('times');
});

test('takes the answer of a custom resource at its own host, which looks like that of a bucket', async () => {
  const { url, response } = cloud.services.responses.expect('arn:stack', 'Thing');
  const { host, pathname, search } = new URL(url);
  const { status } = await send(pathname + search, { method: 'PUT', headers: { host }, body: '{"Status":"SUCCESS"}' });
  expect(status).toBe(200);
  expect(await response).toEqual({ Status: 'SUCCESS' });
});

import { Sha256 } from '@aws-crypto/sha256-js';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import type { ApiRequest } from '../../../local/src/api';
import type { AccessSources } from '../../../local/src/iam/accesses/access-sources';
import { accessesOf } from '../../../local/src/iam/accesses/accesses-of';
import type { Images } from '../../../local/src/microvms/images/images';
import { imageRoutes, microvmRoutes } from '../../../local/src/microvms/operations';
import { matchRoute } from '../../../local/src/microvms/wire/routes';
import { operationOf } from '../../../local/src/operations';
import { authorize } from '../../authorize';
import { ACCOUNT, IamCloud, REGION } from '../iam/iam-cloud';

let cloud: IamCloud;

beforeAll(async () => {
  cloud = await IamCloud.start(authorize);
  cloud.services.buckets.createBucket('bucket');
  await cloud.services.buckets.put('bucket', 'there', Buffer.from('content'));
});
afterAll(() => cloud.stop());

function requestOf({ method = 'POST', path = '/', query = '', body = '' }: { method?: string; path?: string; query?: string; body?: string | object }): ApiRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { method, path, query: new URLSearchParams(query), headers: {}, body: Buffer.from(text), accessKeyId: '' };
}

const sources: AccessSources = {
  account: ACCOUNT, region: REGION, imageOf: () => undefined, tagsOf: () => ({}), partitionKey: async () => 'pk', hasObject: () => true,
};

async function rights(service: string, operation: string, request: Parameters<typeof requestOf>[0]): Promise<string[]> {
  const accesses = await accessesOf({ service, operation, region: REGION, request: requestOf(request) }, sources);
  return accesses.map(({ action, resource }) => `${action} ${resource}`);
}

test('fails for a presigned URL that has run out and comes back in the header', async () => {
  const signer = new SignatureV4({ service: 's3', region: REGION, sha256: Sha256, uriEscapePath: false, credentials: cloud.iam.user });
  // As the SDK's own presigner does it: the hash moves to the query.
  const given = { query: {}, headers: { 'host': `127.0.0.1:${cloud.port}`, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' } };
  const { query } = await signer.presign({ protocol: 'http:', hostname: '127.0.0.1', method: 'GET', path: '/bucket/there', ...given }, { expiresIn: 60 });
  const url = new URL(`/bucket/there?${new URLSearchParams(query as Record<string, string>)}`, cloud.endpoint);
  const path = `${url.pathname}${url.search}`;
  expect(await cloud.send(path)).toMatchObject({ status: 200 });
  await cloud.clock.advance({ hours: 1 });
  expect(await cloud.send(path)).toMatchObject({ status: 403 });
  const [, ...date] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(url.searchParams.get('X-Amz-Date') ?? '') ?? [];
  const [year, month, day, hour, minute, second] = date.map(Number);
  const headers = {
    authorization: `AWS4-HMAC-SHA256 SignedHeaders=host, Signature=${url.searchParams.get('X-Amz-Signature')}`,
    date: new Date(Date.UTC(year, month - 1, day, hour, minute, second)).toUTCString(),
  };
  expect((await cloud.send(path, { headers })).status).toBe(400);
});

test('fails for the key pair test and test where rights are enforced, as it is on AWS', async () => {
  const client = new DynamoDBClient({ ...cloud.configuration, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  await expect(client.send(new ListTablesCommand({}))).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  client.destroy();
});

describe('what the MicroVMs answer is what was authorised', () => {
  const routes = [...imageRoutes({} as Images, {} as never), ...microvmRoutes({} as never, {} as never)];

  test.each([
    ['GET', '/2025-09-09/%6Dicrovms'],
    ['DELETE', '/2025-09-09/%6dicrovms/microvm-1'],
    ['POST', '/2025-09-09/microvms/microvm-1/%61uth-token'],
    ['GET', '/2025%2D09-09/microvm-images'],
    ['GET', '/2025-09-09/microvms'],
    ['POST', '/2025-09-09/microvms/microvm-1/auth-token'],
    ['GET', '/2025-09-09/microvm-images/arn%3Aaws/versions/1.0'],
    ['GET', '/2025-09-09/microvms/'],
  ])('%s %s', (method, path) => {
    const request = requestOf({ method, path });
    const answered = matchRoute(routes, request)?.route.operation;
    if (answered !== undefined) expect(operationOf('microvms', request)).toBe(answered);
  });

  test('a plain path is answered', () => {
    expect(matchRoute(routes, requestOf({ method: 'GET', path: '/2025-09-09/microvms' }))?.route.operation).toBe('ListMicrovms');
  });
});

describe('a right is asked for what is touched', () => {
  const fn = (name: string) => `lambda:InvokeFunction arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`;

  test.each([
    ['secret', fn('secret')],
    [`arn:aws:lambda:us-east-1:${ACCOUNT}:function:secret`, fn('secret')],
    [`${ACCOUNT}:function:secret`, fn('secret')],
    ['a:function:secret:function:allowed', fn('secret')],
    ['x\nfunction:allowed', fn('x\nfunction')],
  ])('function %j', async (name, right) => {
    const asked = await rights('lambda', 'Invoke', { path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations` });
    expect(asked).toEqual([expect.stringContaining(right)]);
  });

  test.each([
    [`arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/allowed:table/secret`],
    ['allowed:table/secret'],
    ['arn:aws:dynamodb:eu-west-1:111111111111:table/secret'],
  ])('table %s', async (TableName) => {
    expect(await rights('dynamodb', 'GetItem', { body: { TableName, Key: {} } })).toEqual([`dynamodb:GetItem arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/secret`]);
  });

  test.each([
    [{ KeyConditions: { pk: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'secret' }] } } }],
    [{ KeyConditionExpression: '#k = :v', ExpressionAttributeNames: { '#k': 'pk' }, ExpressionAttributeValues: { ':v': { S: 'secret' } } }],
  ])('items: by their key in every form of a condition', async (condition) => {
    const request = requestOf({ body: { TableName: 'table', ...condition } });
    const [{ context }] = await accessesOf({ service: 'dynamodb', operation: 'Query', region: REGION, request }, sources);
    expect(context).toEqual({ 'dynamodb:LeadingKeys': ['secret'] });
  });

  test('tables: what is no text names none, for who authorises and for who acts', async () => {
    const TransactItems = [{ Put: { TableName: ['secret'], Item: { pk: { S: '1' } } } }];
    expect(await rights('dynamodb', 'TransactWriteItems', { body: { TransactItems } })).toEqual([`dynamodb:PutItem arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/`]);
    const keys = { AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }], KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }] };
    await cloud.services.dynamodb.call('CreateTable', { TableName: 'secret', BillingMode: 'PAY_PER_REQUEST', ...keys });
    await expect(cloud.services.dynamodb.call('TransactWriteItems', { TransactItems })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await cloud.services.dynamodb.call('Scan', { TableName: 'secret' })).toMatchObject({ Count: 0 });
  });

  test('an old version: not by the right to read the newest', async () => {
    const headers = { 'x-amz-copy-source': '/bucket/there?versionId=1' };
    const request = { ...requestOf({ method: 'PUT', path: '/bucket/copy' }), headers };
    const accesses = await accessesOf({ service: 's3', operation: 'CopyObject', region: REGION, request }, sources);
    expect(accesses.map(({ action }) => action)).toEqual(['s3:GetObjectVersion', 's3:GetObjectVersionTagging', 's3:PutObject']);
  });

  test('parameters: the path, whatever name comes with it', async () => {
    expect(await rights('ssm', 'GetParametersByPath', { body: { Name: 'allowed', Path: '/secret' } }))
      .toContain(`ssm:GetParametersByPath arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/secret`);
  });

  test('executions: the machine that starts, whatever execution comes with it', async () => {
    const machine = (name: string) => `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:${name}`;
    expect(await rights('states', 'StartExecution', { body: { stateMachineArn: machine('secret'), executionArn: machine('allowed') } }))
      .toEqual([`states:StartExecution ${machine('secret')}`]);
  });

  const stack = (name: string) => `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/${name}/*`;

  test('stacks: the first of two names, as the service reads the form', async () => {
    expect(await rights('cloudformation', 'DeleteStack', { body: 'Action=DeleteStack&StackName=secret&StackName=allowed' }))
      .toEqual([`cloudformation:DeleteStack ${stack('secret')}`]);
  });

  test('stacks: also to learn what is in their template', async () => {
    expect(await rights('cloudformation', 'GetTemplateSummary', { body: 'Action=GetTemplateSummary&StackName=secret' }))
      .toEqual([`cloudformation:GetTemplateSummary ${stack('secret')}`]);
  });

  test('stacks: the name and the role in the query of a GET', async () => {
    const query = `Action=CreateStack&StackName=secret&RoleARN=arn:aws:iam::${ACCOUNT}:role/Admin`;
    expect(await rights('cloudformation', 'CreateStack', { method: 'GET', query })).toEqual([
      `cloudformation:CreateStack ${stack('secret')}`, `iam:PassRole arn:aws:iam::${ACCOUNT}:role/Admin`,
    ]);
  });
});

test('fails without a word of the cloud\'s own code for a header whose name every object has', async () => {
  const signer = new SignatureV4({ service: 'dynamodb', region: REGION, sha256: Sha256, credentials: cloud.iam.user });
  const signed = await signer.sign({ protocol: 'http:', hostname: '127.0.0.1', method: 'POST', path: '/', headers: { host: `127.0.0.1:${cloud.port}` } });
  const authorization = signed.headers.authorization.replace('SignedHeaders=host', 'SignedHeaders=__proto__;constructor;host');
  const answer = await cloud.send('/', { method: 'POST', headers: { ...signed.headers, authorization } });
  expect(answer).toMatchObject({ status: 400, body: expect.not.stringContaining('TypeError') });
});

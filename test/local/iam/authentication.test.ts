import { Sha256 } from '@aws-crypto/sha256-js';
import { DescribeLogGroupsCommand, CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import { GetMicrovmImageCommand, LambdaMicrovmsClient, ListMicrovmsCommand } from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpRequest } from '@smithy/types';
import { IamCloud, REGION } from './iam-cloud';

let cloud: IamCloud;

beforeAll(async () => {
  cloud = await IamCloud.start();
  const s3 = new S3Client({ ...cloud.configuration, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a key/with ~*()\'! & ü+%', Body: 'content', Metadata: { one: 'two' } }));
  s3.destroy();
});
afterAll(() => cloud.stop());

interface Signable {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

interface Signing {
  /** Seconds: a presigned URL. */
  readonly presign?: number;
  readonly region?: string;
  readonly credentials?: object;
  readonly date?: Date;
}

interface Change {
  readonly path?: string;
  readonly headers?: object;
  readonly body?: string;
}

/** A request that the SDK's own signer has signed, or made into a presigned URL. */
async function signed(service: string, given: Signable, how: Signing = {}): Promise<HttpRequest> {
  const signer = new SignatureV4({
    service,
    region: how.region ?? REGION,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    credentials: { ...cloud.iam.user, ...how.credentials },
  });
  const request = {
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: cloud.port,
    method: given.method ?? 'GET',
    path: given.path ?? '/',
    query: given.query ?? {},
    headers: { host: `127.0.0.1:${cloud.port}`, ...given.headers },
    ...(given.body !== undefined && { body: given.body }),
  };
  const signingDate = how.date ?? new Date();
  if (how.presign === undefined) return signer.sign(request, { signingDate });
  return signer.presign(request, { expiresIn: how.presign, signingDate });
}

function sendSigned({ method, path, query, headers, body }: HttpRequest, change: Change = {}) {
  const text = Object.entries(query ?? {}).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&');
  return cloud.send(`${change.path ?? path}${text === '' ? '' : `?${text}`}`, { method, headers: { ...headers, ...change.headers }, body: change.body ?? body as string });
}

const UNSIGNED = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
const KEY_PATH = `/bucket/${'a key/with ~*()\'! & ü+%'.split('/').map((part) => encodeURIComponent(part)).join('/')}`;

test('lets the SDK\'s clients in', async () => {
  const clients = [
    new LambdaMicrovmsClient(cloud.configuration),
    new DynamoDBClient(cloud.configuration),
    new CloudWatchLogsClient(cloud.configuration),
  ] as const;
  await clients[0].send(new ListMicrovmsCommand({ imageIdentifier: 'arn:aws:lambda:us-east-1:0:microvm-image:a b', nextToken: 'a+/=&' }));
  await clients[0].send(new GetMicrovmImageCommand({ imageIdentifier: 'arn:aws:lambda:us-east-1:0:microvm-image:a_b' }));
  await clients[1].send(new ListTablesCommand({}));
  await clients[2].send(new DescribeLogGroupsCommand({}));
  const s3 = new S3Client({ ...cloud.configuration, forcePathStyle: true });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a key/with ~*()\'! & ü+%' }));
  expect(await Body?.transformToString()).toBe('content');
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'a key/with ~*()\'! & ü+%' }));
  expect(listed.KeyCount).toBe(1);
  [...clients, s3].forEach((client) => client.destroy());
});

test('the key pair test and test is the user, with any session token or none', async () => {
  for (const sessionToken of [undefined, 'test']) {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test', sessionToken };
    const client = new DynamoDBClient({ ...cloud.configuration, credentials });
    await client.send(new ListTablesCommand({}));
    client.destroy();
  }
});

test('verifies a session and its token', async () => {
  const credentials = await cloud.roleWith('Verified');
  const client = new DynamoDBClient({ ...cloud.configuration, credentials });
  await client.send(new ListTablesCommand({}));
  client.destroy();
  const tokenless = { ...credentials, sessionToken: undefined };
  const without = new DynamoDBClient({ ...cloud.configuration, credentials: tokenless });
  await expect(without.send(new ListTablesCommand({}))).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  without.destroy();
});

test('fails for a session that has expired, by the cloud\'s clock', async () => {
  const session = await cloud.iam.assume(cloud.iam.createRole('Expiring', { trustPolicy: {} }).arn);
  const credentials = session?.credentials();
  const failures = [
    [new LambdaMicrovmsClient({ ...cloud.configuration, credentials }), new ListMicrovmsCommand({}), 'ExpiredTokenException', 403],
    [new DynamoDBClient({ ...cloud.configuration, credentials }), new ListTablesCommand({}), 'ExpiredTokenException', 400],
    [new S3Client({ ...cloud.configuration, credentials, forcePathStyle: true }), new ListObjectsV2Command({ Bucket: 'bucket' }), 'ExpiredToken', 400],
  ] as const;
  await cloud.clock.advance({ minutes: 56 });
  for (const [client, command, name, status] of failures) {
    const answer = (client as LambdaMicrovmsClient).send(command as ListMicrovmsCommand);
    await expect(answer).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
    client.destroy();
  }
  const fresh = session?.credentials();
  expect(fresh?.accessKeyId).not.toBe(credentials?.accessKeyId);
});

describe('fails with the error of each service', () => {
  const services = [
    ['lambda', 'UnrecognizedClientException', 'InvalidSignatureException', 403, { method: 'GET', path: '/2015-03-31/functions/one' }],
    ['dynamodb', 'UnrecognizedClientException', 'InvalidSignatureException', 400, { method: 'POST', headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables' }, body: '{}' }],
    ['s3', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 403, { method: 'GET', path: '/bucket' }],
  ] as const;

  test.each(services)('%s: for a key that nobody has, and for a wrong secret', async (service, unknown, mismatch, status, request) => {
    const stranger = await sendSigned(await signed(service, request, { credentials: { accessKeyId: 'AKIANOBODY' } }));
    expect(stranger).toMatchObject({ status, body: expect.stringContaining(unknown === 'InvalidAccessKeyId' ? unknown : 'security token included in the request is invalid') });
    const guess = await sendSigned(await signed(service, request, { credentials: { secretAccessKey: 'guessed' } }));
    expect(guess).toMatchObject({ status });
    expect(`${guess.headers['x-amzn-errortype']}${guess.body}`).toContain(mismatch);
    expect(guess.body).not.toContain(cloud.iam.user.secretAccessKey);
  });

  test.each(services)('%s: for a request that was changed after it was signed', async (service, _, mismatch, __, request) => {
    const original = await signed(service, { ...request, headers: { 'x-amz-meta-one': 'two', ...('headers' in request ? request.headers : {}) } });
    for (const change of [{ path: `${original.path}x` }, { headers: { 'x-amz-meta-one': 'three' } }]) {
      const answer = await sendSigned(original, change);
      expect(`${answer.headers['x-amzn-errortype']}${answer.body}`).toContain(mismatch);
    }
  });

  test('for a body that was changed', async () => {
    const headers = { 'x-amz-target': 'DynamoDB_20120810.ListTables' };
    const dynamodb = await signed('dynamodb', { method: 'POST', headers, body: '{}' });
    expect(await sendSigned(dynamodb, { body: '{ }' })).toMatchObject({ status: 400, body: expect.stringContaining('InvalidSignatureException') });
    const s3 = await signed('s3', { method: 'PUT', path: '/bucket/changed', body: 'content' });
    expect(await sendSigned(s3, { body: 'kontent' })).toMatchObject({ status: 400, body: expect.stringContaining('XAmzContentSHA256Mismatch') });
  });

  test('for a request to S3 with a header that is not signed', async () => {
    const request = await signed('s3', { method: 'PUT', path: '/bucket/unsigned-header', body: 'content' });
    const answer = await sendSigned(request, { headers: { 'x-amz-copy-source': '/bucket/other' } });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('headers present in the request which were not signed') });
  });

  test('for another Region than the cloud\'s', async () => {
    const elsewhere = { region: 'eu-west-1' };
    const microvms = await sendSigned(await signed('lambda', { path: '/2025-09-09/microvms' }, elsewhere));
    expect(microvms).toMatchObject({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } });
    expect(JSON.parse(microvms.body)).toEqual({ message: null });
    expect(await sendSigned(await signed('lambda', { path: '/2015-03-31/functions/one' }, elsewhere)))
      .toMatchObject({ status: 403, body: expect.stringContaining('scoped to a valid region') });
    expect(await sendSigned(await signed('s3', { path: '/bucket' }, elsewhere))).toMatchObject({ status: 400, body: expect.stringContaining('the region is wrong') });
  });

  test.each([
    ['lambda', '/2025-09-09/microvms', {}, 403, 'Missing Authentication Token'],
    ['lambda', '/2015-03-31/functions/one', {}, 403, 'Missing Authentication Token'],
    ['dynamodb', '/', { 'x-amz-target': 'DynamoDB_20120810.ListTables' }, 400, 'MissingAuthenticationTokenException'],
  ] as const)('for no signature at all: %s %s', async (_, path, headers, status, text) => {
    expect(await cloud.send(path, { method: path === '/' ? 'POST' : 'GET', headers })).toMatchObject({ status, body: expect.stringContaining(text) });
  });

  test.each([
    'Bearer token', 'AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/lambda/aws4_request',
    `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=${'g'.repeat(64)}`,
    `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=x-amz-date, Signature=${'0'.repeat(64)}`,
    `AWS4-ECDSA-P256-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  ])('for a signature that is none: %s', async (authorization) => {
    const headers = { authorization, 'x-amz-date': '20260101T000000Z' };
    expect(await cloud.send('/2025-09-09/microvms', { headers })).toMatchObject({ status: 403, headers: { 'x-amzn-errortype': 'IncompleteSignatureException' } });
  });
});

describe('presigned URLs', () => {
  test('work until they run out, by the cloud\'s clock', async () => {
    const date = new Date(cloud.clock.now());
    const url = await signed('s3', { path: KEY_PATH, headers: UNSIGNED }, { presign: 600, date });
    expect(await sendSigned(url)).toMatchObject({ status: 200, body: 'content' });
    await cloud.clock.advance({ seconds: 601 });
    expect(await sendSigned(url)).toMatchObject({ status: 403, body: expect.stringContaining('Request has expired') });
  });

  test('carry the session token of a role', async () => {
    const credentials = await cloud.roleWith('Presigner');
    const date = new Date(cloud.clock.now());
    const url = await signed('s3', { path: KEY_PATH, headers: UNSIGNED }, { presign: 600, credentials, date });
    expect(url.query?.['X-Amz-Security-Token']).toBeDefined();
    expect(await sendSigned(url)).toMatchObject({ status: 200 });
  });

  test('fail for another method, another key, a longer life, or none', async () => {
    const date = new Date(cloud.clock.now());
    const url = await signed('s3', { path: KEY_PATH, headers: UNSIGNED }, { presign: 600, date });
    expect(await sendSigned({ ...url, method: 'DELETE' })).toMatchObject({ status: 403, body: expect.stringContaining('SignatureDoesNotMatch') });
    expect(await sendSigned(url, { path: '/bucket/other' })).toMatchObject({ status: 403 });
    expect(await sendSigned({ ...url, query: { ...url.query, 'X-Amz-Expires': '6000' } })).toMatchObject({ status: 403 });
    expect(await sendSigned({ ...url, query: { ...url.query, 'X-Amz-Expires': '700000' } })).toMatchObject({ status: 400 });
    expect(await sendSigned(url, { headers: { 'x-amz-copy-source': '/bucket/x' } })).toMatchObject({ status: 403, body: expect.stringContaining('not signed') });
  });
});

test('S3 answers a plain request as the user\'s, as long as nothing is enforced', async () => {
  expect(await cloud.send(KEY_PATH)).toMatchObject({ status: 200, body: 'content' });
});

test('fails for HEAD without a body', async () => {
  const credentials = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' };
  const s3 = new S3Client({ ...cloud.configuration, credentials, forcePathStyle: true });
  await expect(s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'x' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  s3.destroy();
});

test('a function that is not there is told of only to who is let in', async () => {
  const client = new LambdaClient(cloud.configuration);
  await expect(client.send(new InvokeCommand({ FunctionName: 'none' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  client.destroy();
});

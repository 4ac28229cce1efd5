import { CloudWatchLogsClient, CreateLogStreamCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import { LambdaMicrovmsClient, ListMicrovmsCommand, RunMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { AuthorizationRequest } from 'microvm-sandbox-local';
import { ACCOUNT, IamCloud } from './iam-cloud';
import { authorize } from '../../authorize';

let cloud: IamCloud;
const asked: AuthorizationRequest[] = [];

beforeAll(async () => {
  cloud = await IamCloud.start((request) => {
    asked.push(request);
    return authorize(request);
  });
  cloud.services.buckets.createBucket('bucket');
  await cloud.services.buckets.put('bucket', 'there', Buffer.from('content'));
});
afterAll(() => cloud.stop());

let count = 0;
const allow = (Action: string | string[], Resource: string | string[], rest: object = {}) => ({ Effect: 'Allow', Action, Resource, ...rest });

/** What the clients of a new role with these statements need. */
async function configuration(...statements: object[]) {
  return { ...cloud.configuration, credentials: await cloud.roleWith(`Role${++count}`, ...statements), forcePathStyle: true };
}

const s3As = async (...statements: object[]) => new S3Client(await configuration(...statements));
const get = (Key: string) => new GetObjectCommand({ Bucket: 'bucket', Key });

test('the account\'s user is not asked about', async () => {
  asked.length = 0;
  await new S3Client({ ...cloud.configuration, forcePathStyle: true }).send(get('there'));
  expect(asked).toEqual([]);
});

test('fails with the words of each service', async () => {
  const given = await configuration();
  const session = `User: arn:aws:sts::${ACCOUNT}:assumed-role/Role${count}/session is not authorized to perform:`;
  const reason = (action: string) => `because no identity-based policy allows the ${action} action`;
  await expect(new S3Client(given).send(get('there'))).rejects.toMatchObject({
    name: 'AccessDenied', message: `${session} s3:GetObject on resource: "arn:aws:s3:::bucket/there" ${reason('s3:GetObject')}`, $metadata: { httpStatusCode: 403 },
  });
  await expect(new LambdaMicrovmsClient(given).send(new ListMicrovmsCommand({}))).rejects.toMatchObject({
    name: 'AccessDeniedException', message: `${session} lambda:ListMicrovms on resource: * ${reason('lambda:ListMicrovms')}`, $metadata: { httpStatusCode: 403 },
  });
  await expect(new LambdaClient(given).send(new InvokeCommand({ FunctionName: 'one' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`${session} lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:${ACCOUNT}:function:one`),
    $metadata: { httpStatusCode: 403 },
  });
  await expect(new DynamoDBClient(given).send(new GetItemCommand({ TableName: 'one', Key: { id: { S: '1' } } }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`${session} dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/one`),
    $metadata: { httpStatusCode: 400 },
  });
  await expect(new CloudWatchLogsClient(given).send(new CreateLogStreamCommand({ logGroupName: 'group', logStreamName: 'stream' }))).rejects.toMatchObject({
    name: 'AccessDeniedException', message: expect.stringContaining(':log-group:group:log-stream:stream'), $metadata: { httpStatusCode: 400 },
  });
  expect(cloud.denials.slice(-5).map(({ action }) => action)).toEqual([
    's3:GetObject', 'lambda:ListMicrovms', 'lambda:InvokeFunction', 'dynamodb:GetItem', 'logs:CreateLogStream',
  ]);
  expect(cloud.iam.access.denials).toEqual(cloud.denials);
});

test('fails where the bucket\'s own policy denies, whatever the role may do', async () => {
  const s3 = await s3As(allow('s3:*', '*'));
  await s3.send(get('there'));
  const deny = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' };
  cloud.services.buckets.bucket('bucket').policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
  await expect(s3.send(get('there'))).rejects.toMatchObject({ message: expect.stringMatching(/with an explicit deny in a resource-based policy$/) });
  cloud.services.buckets.bucket('bucket').policy = undefined;
});

test('a bucket\'s policy for encrypted requests only lets ours through', async () => {
  const deny = { Effect: 'Deny', Principal: { AWS: '*' }, Action: 's3:*', Resource: 'arn:aws:s3:::bucket/*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
  cloud.services.buckets.bucket('bucket').policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
  await (await s3As(allow('s3:GetObject', 'arn:aws:s3:::bucket/there'))).send(get('there'));
  cloud.services.buckets.bucket('bucket').policy = undefined;
});

test('fails for what is outside of the permissions boundary', async () => {
  const given = await configuration(allow('s3:*', '*'));
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/Boundary`;
  cloud.iam.putManagedPolicy(boundary, { Version: '2012-10-17', Statement: [allow('s3:PutObject', '*')] });
  cloud.iam.role(`Role${count}`).permissionsBoundary = boundary;
  await new S3Client(given).send(new PutObjectCommand({ Bucket: 'bucket', Key: 'new', Body: 'content' }));
  await expect(new S3Client(given).send(get('there'))).rejects.toMatchObject({ message: expect.stringContaining('because no permissions boundary allows') });
});

test('tells only who may list a bucket that an object is not there, and counts that as no denial', async () => {
  const before = cloud.denials.length;
  const reader = await s3As(allow('s3:GetObject', '*'));
  await expect(reader.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'none' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await expect(reader.send(get('none'))).rejects.toMatchObject({ name: 'AccessDenied', message: expect.stringContaining('s3:ListBucket') });
  await expect((await s3As(allow(['s3:GetObject', 's3:ListBucket'], '*'))).send(get('none'))).rejects.toMatchObject({ name: 'NoSuchKey' });
  expect(cloud.denials).toHaveLength(before);
});

test('conditions look at the cloud\'s time', async () => {
  const year = (operator: string) => ({ Condition: { [operator]: { 'aws:CurrentTime': '2099-01-01T00:00:00Z' } } });
  await (await s3As(allow('s3:GetObject', '*', year('DateLessThan')))).send(get('there'));
  await expect((await s3As(allow('s3:GetObject', '*', year('DateGreaterThan')))).send(get('there'))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('fails for each right that RunMicrovm needs, one after the other', async () => {
  const image = `arn:aws:lambda:us-east-1:${ACCOUNT}:microvm-image:one`;
  const role = `arn:aws:iam::${ACCOUNT}:role/Execution`;
  const connector = (name: string) => `arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:${name}`;
  const statements = [
    allow('lambda:RunMicrovm', image), allow('iam:PassRole', role), allow('lambda:PassNetworkConnector', connector('HTTP_INGRESS')),
    allow('lambda:PassNetworkConnector', connector('INTERNET_EGRESS')),
  ];
  const input = { imageIdentifier: image, executionRoleArn: role };
  const run = (given: object) => new LambdaMicrovmsClient(given).send(new RunMicrovmCommand(input));
  await run(await configuration(...statements));
  for (const missing of statements) {
    const given = await configuration(...statements.filter((statement) => statement !== missing));
    await expect(run(given)).rejects.toMatchObject({ message: expect.stringContaining(`${missing.Action} on resource: ${missing.Resource as string}`) });
  }
});

test('fails for the key that people use out of habit: on AWS it is nobody\'s', async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  await expect(new S3Client({ ...cloud.configuration, credentials, forcePathStyle: true }).send(get('there'))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
});

test('fails for a plain request to S3', async () => {
  expect(await cloud.send('/bucket/there')).toMatchObject({ status: 403, body: expect.stringContaining('AccessDenied') });
});

test('an authorize that fails denies, and says so', async () => {
  const broken = await IamCloud.start(({ action }) => {
    if (action.startsWith('s3:')) throw new Error('no idea');
    return { allowed: true };
  });
  try {
    broken.services.buckets.createBucket('bucket');
    const s3 = new S3Client({ ...broken.configuration, credentials: await broken.roleWith('Any'), forcePathStyle: true });
    await expect(s3.send(get('there'))).rejects.toMatchObject({ name: 'AccessDenied', message: expect.stringContaining('no idea') });
  } finally {
    await broken.stop();
  }
});

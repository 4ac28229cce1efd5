import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

const ROLE = 'arn:aws:iam::000000000000:role/reader';

let cloud: TestCloud;
const clients: STSClient[] = [];

beforeAll(async () => {
  cloud = await startTestCloud();
  cloud.services.iam.createRole('reader', {
    trustPolicy: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:root' }, Action: 'sts:AssumeRole' }],
    },
  });
});

afterAll(async () => {
  clients.forEach((client) => client.destroy());
  await cloud.stop();
});

const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) => {
  const client = new STSClient({ ...cloud.clientConfiguration, credentials });
  clients.push(client);
  return client;
};
const user = () => clientOf(cloud.services.iam.user);
const assume = (client: STSClient, more: object = {}) => client.send(new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'someone', ...more }));

/** A client for the session that the user opens. */
async function session(more: object = {}): Promise<STSClient> {
  const { Credentials: { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = {} } = await assume(user(), more);
  return clientOf({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });
}

test('tells the user who they are', async () => {
  const identity = await user().send(new GetCallerIdentityCommand());
  expect(identity).toMatchObject({ Account: '000000000000', Arn: expect.stringMatching(/^arn:aws:iam::000000000000:user\//), UserId: expect.stringMatching(/^AIDA/) });
});

test('opens a session of a role, which then says who it is', async () => {
  const { Credentials, AssumedRoleUser } = await assume(user(), { DurationSeconds: 900 });
  const arn = 'arn:aws:sts::000000000000:assumed-role/reader/someone';
  expect(AssumedRoleUser).toEqual({ Arn: arn, AssumedRoleId: expect.stringMatching(/^AROA.*:someone$/) });
  expect(Credentials?.AccessKeyId).toMatch(/^ASIA/);
  expect(Math.round(((Credentials?.Expiration?.getTime() ?? 0) - cloud.clock.now()) / 1000)).toBe(900);

  const identity = await (await session()).send(new GetCallerIdentityCommand());
  expect(identity).toMatchObject({ Arn: arn, Account: '000000000000', UserId: AssumedRoleUser?.AssumedRoleId });
});

test('a session opens a session of an hour at most', async () => {
  const client = await session();
  expect((await assume(client)).AssumedRoleUser?.Arn).toContain('assumed-role/reader');
  await expect(assume(client, { DurationSeconds: 3601 })).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('role chaining') });
});

test.each([
  ['a role that is not there', { RoleArn: 'arn:aws:iam::000000000000:role/cdk-hnb659fds-deploy-role' }, 'AccessDenied', /not authorized to perform: sts:AssumeRole on resource: .*deploy-role/],
  ['no role\'s ARN', { RoleArn: 'reader' }, 'ValidationError', /roleArn/],
  ['a name of a session that is none', { RoleSessionName: 'a b' }, 'ValidationError', /'a b' at 'roleSessionName'/],
  ['a session that is too short', { DurationSeconds: 899 }, 'ValidationError', /between 900 and 43200/],
  ['a session that is too long', { DurationSeconds: 43_201 }, 'ValidationError', /between 900 and 43200/],
  ['a policy of the session', { Policy: '{}' }, 'ValidationError', /Policy: .*does not support it/],
])('fails on %s', async (_, input, name, message) => {
  await expect(assume(user(), input)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test('fails on an access key that is nobody\'s', async () => {
  const stranger = clientOf({ accessKeyId: 'AKIAXXXXXXXXXXXXXXXX', secretAccessKey: 'guessed' });
  await expect(stranger.send(new GetCallerIdentityCommand())).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
});

test('fails on an operation that is not there, and names it', async () => {
  await expect(user().send(new GetSessionTokenCommand())).rejects.toMatchObject({ name: 'InvalidAction', message: expect.stringContaining('GetSessionToken') });
});

import type { AuthorizationRequest, DeniedEvent } from 'microvm-sandbox-local';
import { IamService } from '../../../local/src/iam/iam-service';
import { authorize } from '../../authorize';

const ACCOUNT = '000000000000';
const trust = (Service: string, Action: string | string[], Condition?: object) => (
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service }, Action, ...(Condition && { Condition }) }] }
);

let now: number;
let denials: DeniedEvent[];
let asked: AuthorizationRequest[];

beforeEach(() => {
  now = Date.parse('2026-01-01T00:00:00Z');
  denials = [];
  asked = [];
});

function enforcing(): IamService {
  return new IamService(ACCOUNT, {
    clock: { now: () => now },
    onDenied: (event) => denials.push(event),
    authorize: (request) => {
      asked.push(request);
      return authorize(request);
    },
  });
}

describe('the MicroVMs service assumes a role', () => {
  test('that trusts it with both actions, presenting its account and no ARN', async () => {
    const iam = enforcing();
    const { arn } = iam.createRole('Build', { trustPolicy: trust('lambda.amazonaws.com', ['sts:AssumeRole', 'sts:TagSession'], { StringEquals: { 'aws:SourceAccount': ACCOUNT } }) });
    expect(await iam.assume(arn)).toBeDefined();
    expect(asked.map(({ action }) => action)).toEqual(['sts:AssumeRole', 'sts:TagSession']);
    expect(asked[0].context).not.toHaveProperty('aws:SourceArn');
  });

  test.each([
    ['without the right to tag its session', trust('lambda.amazonaws.com', 'sts:AssumeRole')],
    ['for another service', trust('ec2.amazonaws.com', ['sts:AssumeRole', 'sts:TagSession'])],
    ['for another account', trust('lambda.amazonaws.com', ['sts:AssumeRole', 'sts:TagSession'], { StringEquals: { 'aws:SourceAccount': '111111111111' } })],
    ['for an ARN that the service does not present', trust('lambda.amazonaws.com', ['sts:AssumeRole', 'sts:TagSession'], { ArnLike: { 'aws:SourceArn': 'arn:*' } })],
  ])('fails %s', async (_, trustPolicy) => {
    const iam = enforcing();
    expect(await iam.assume(iam.createRole('Build', { trustPolicy }).arn)).toBeUndefined();
    expect(denials).toHaveLength(1);
  });

  test('fails for a role that does not exist, unless nothing is enforced', async () => {
    expect(await enforcing().assume(`arn:aws:iam::${ACCOUNT}:role/none`)).toBeUndefined();
    expect(await new IamService(ACCOUNT).assume(`arn:aws:iam::${ACCOUNT}:role/none`)).toBeDefined();
  });
});

test('a session is allowed what its role\'s policies allow at the time', async () => {
  const iam = enforcing();
  const role = iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com', 'sts:AssumeRole') });
  const session = await iam.assumeForFunction(role.arn, 'function');
  expect(await session?.allows('s3:GetObject', 'arn:aws:s3:::bucket/key')).toBe(false);
  role.policies.set('Later', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] });
  expect(await session?.allows('s3:GetObject', 'arn:aws:s3:::bucket/key')).toBe(true);
  expect(asked.at(-1)).toMatchObject({
    principal: `arn:aws:sts::${ACCOUNT}:assumed-role/Function/function`,
    context: { 'aws:PrincipalArn': role.arn, 'aws:userid': `${role.id}:function`, 'aws:CurrentTime': '2026-01-01T00:00:00Z' },
  });
  iam.deleteRole('Function');
  iam.createRole('Function', { trustPolicy: {} }).policies.set('All', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
  expect(await session?.allows('s3:GetObject', 'arn:aws:s3:::bucket/key')).toBe(false);
});

test('AWS\'s own policies are there by their ARN', async () => {
  const iam = enforcing();
  const role = iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com', 'sts:AssumeRole') });
  role.managedPolicyArns.add('arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole');
  const session = await iam.assumeForFunction(role.arn, 'function');
  expect(await session?.allows('logs:PutLogEvents', `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:one:log-stream:two`)).toBe(true);
  expect(await session?.allows('s3:GetObject', 'arn:aws:s3:::bucket/key')).toBe(false);
});

describe('credentials of a session', () => {
  test('expire, are renewed before, and are each of their own', async () => {
    const iam = new IamService(ACCOUNT, { clock: { now: () => now } });
    const { arn } = iam.createRole('Execution', { trustPolicy: {} });
    const [one, two] = [await iam.assume(arn), await iam.assume(arn)];
    const first = one?.credentials();
    expect(first?.expiresAt).toBe(now + 55 * 60_000);
    expect(two?.credentials().accessKeyId).not.toBe(first?.accessKeyId);
    now += 50 * 60_000 - 1;
    expect(one?.credentials()).toEqual(first);
    now += 1;
    expect(one?.credentials().accessKeyId).not.toBe(first?.accessKeyId);
    expect(iam.principal(first?.accessKeyId ?? '')).toMatchObject({ roleArn: arn, expiresAt: first?.expiresAt });
  });

  test('are nobody\'s after the role was deleted', async () => {
    const iam = new IamService(ACCOUNT);
    const key = (await iam.assume(iam.createRole('Execution', { trustPolicy: {} }).arn))?.credentials().accessKeyId ?? '';
    expect(iam.principal(key)).toBeDefined();
    iam.deleteRole('Execution');
    expect(iam.principal(key)).toBeUndefined();
  });
});

describe('AssumeRole', () => {
  const byAccount = (Action: string | string[], Condition?: object) => ({
    Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action, ...(Condition && { Condition }) }],
  });
  const userArn = (iam: IamService) => iam.principal(iam.user.accessKeyId)?.arn ?? '';

  test('lets the user assume a role that trusts the account', async () => {
    const iam = enforcing();
    const { arn, id } = iam.createRole('Deploy', { trustPolicy: byAccount('sts:AssumeRole') });
    const assumed = await iam.assumeRole(arn, userArn(iam), { sessionName: 'me', durationSeconds: 900 });
    expect(assumed).toMatchObject({ arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Deploy/me`, assumedRoleId: `${id}:me`, credentials: { expiresAt: now + 900_000 } });
    expect(iam.principal(assumed.credentials.accessKeyId)).toMatchObject({ roleArn: arn });
  });

  test('looks at the external id', async () => {
    const iam = enforcing();
    const { arn } = iam.createRole('Deploy', { trustPolicy: byAccount('sts:AssumeRole', { StringEquals: { 'sts:ExternalId': 'secret' } }) });
    await iam.assumeRole(arn, userArn(iam), { sessionName: 'me', externalId: 'secret' });
    await expect(iam.assumeRole(arn, userArn(iam), { sessionName: 'me' })).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  test('looks at the tags, which take a right of their own', async () => {
    const iam = enforcing();
    const ofTeam = { StringEquals: { 'aws:RequestTag/team': 'one' } };
    const { arn } = iam.createRole('Tagged', { trustPolicy: byAccount(['sts:AssumeRole', 'sts:TagSession'], ofTeam) });
    const other = iam.createRole('Untagged', { trustPolicy: byAccount('sts:AssumeRole') });
    await iam.assumeRole(arn, userArn(iam), { sessionName: 'me', sessionTags: { team: 'one' } });
    await expect(iam.assumeRole(arn, userArn(iam), { sessionName: 'me', sessionTags: { team: 'two' } })).rejects.toMatchObject({ code: 'AccessDenied' });
    await expect(iam.assumeRole(other.arn, userArn(iam), { sessionName: 'me', sessionTags: { team: 'one' } }))
      .rejects.toMatchObject({ message: expect.stringContaining('sts:TagSession') });
  });

  test('fails for a role that does not trust the account, one that does not exist, and a role that may not', async () => {
    const iam = enforcing();
    const { arn } = iam.createRole('Service', { trustPolicy: trust('lambda.amazonaws.com', 'sts:AssumeRole') });
    await expect(iam.assumeRole(arn, userArn(iam), { sessionName: 'me' })).rejects.toMatchObject({
      code: 'AccessDenied', status: 403, message: `User: ${userArn(iam)} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    });
    await expect(iam.assumeRole(`${arn}x`, userArn(iam), { sessionName: 'me' })).rejects.toMatchObject({ code: 'AccessDenied' });
    const deploy = iam.createRole('Deploy', { trustPolicy: byAccount('sts:AssumeRole') });
    const caller = `arn:aws:sts::${ACCOUNT}:assumed-role/Service/session`;
    await expect(iam.assumeRole(deploy.arn, caller, { sessionName: 'me' })).rejects.toMatchObject({ code: 'AccessDenied' });
    iam.role('Service').policies.set('Assume', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: deploy.arn }] });
    await iam.assumeRole(deploy.arn, caller, { sessionName: 'me' });
  });
});

test('keeps roles, policies, the user and sessions over a restart', async () => {
  const before = new IamService(ACCOUNT, { clock: { now: () => now } });
  const role = before.createRole('Kept', { path: '/a/', trustPolicy: { a: 1 } });
  role.policies.set('One', { b: 2 });
  role.managedPolicyArns.add('arn:one');
  before.putManagedPolicy('arn:one', { c: 3 });
  const key = (await before.assume(role.arn))?.credentials().accessKeyId ?? '';
  const after = new IamService(ACCOUNT, { clock: { now: () => now } });
  after.restore(JSON.parse(JSON.stringify(before.save())));
  expect(after.role('Kept')).toEqual(role);
  expect(after.managedPolicies()).toEqual(['arn:one']);
  expect(after.user).toEqual(before.user);
  expect(after.principal(key)).toEqual(before.principal(key));
});

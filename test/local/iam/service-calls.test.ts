import { ACCOUNT, IamCloud } from './iam-cloud';
import { zipEntries } from '../../../local/src/deploy/zip';
import { authorize } from '../../authorize';

let cloud: IamCloud;

beforeEach(async () => {
  cloud = await IamCloud.start(authorize);
});
afterEach(() => cloud.stop());

const trust = (Service: string) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }] });
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

/** A function that writes a line and answers who it is. */
async function createFunction(name: string, roleArn: string): Promise<void> {
  const content = Buffer.from('exports.handler = async () => { console.log("a line"); return process.env.AWS_ACCESS_KEY_ID; };');
  await cloud.services.lambda.create({
    name,
    roleArn,
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    code: await zipEntries([{ path: 'index.js', content, mode: 0o644 }]),
    timeoutSeconds: 10,
    memoryMib: 128,
    description: '',
    environment: {},
    logGroup: '/logs',
    logFormat: 'Text',
    logLevel: 'INFO',
  });
}

test('a function acts as a session of its role, and its log is written as the role', async () => {
  const role = cloud.iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com') });
  await createFunction('one', role.arn);
  const { payload, logs } = await cloud.services.lambda.invoke('one', '{}');
  expect(cloud.iam.principal(JSON.parse(payload) as string)?.arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/Function/one`);
  expect(logs.join('\n')).toContain('a line');
  expect(cloud.services.logs.messages('/logs')).toEqual([]);
  expect(cloud.denials.map(({ action }) => action)).toEqual(['logs:CreateLogStream']);

  role.policies.set('Logs', policy({ Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/logs:*` }));
  await cloud.services.lambda.invoke('one', '{}');
  expect(cloud.services.logs.messages('/logs').join('\n')).toContain('a line');
});

test('a function gets a process with fresh credentials before those of the last one expire', async () => {
  const role = cloud.iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com') });
  await createFunction('one', role.arn);
  const key = async () => (await cloud.services.lambda.invoke('one', '{}')).payload;
  const first = await key();
  expect(await key()).toBe(first);
  // A call every few minutes keeps a process warm.
  for (let minutes = 0; minutes < 11 * 60; minutes += 4.9) {
    await cloud.clock.advance({ minutes: 4.9 });
    if (minutes % 49 < 4.9) await key();
  }
  await cloud.clock.advance({ minutes: 46 });
  const later = await key();
  expect(later).not.toBe(first);
  expect(cloud.iam.principal(JSON.parse(later) as string)?.expiresAt).toBeGreaterThan(cloud.clock.now() + 15 * 60_000);
});

test('fails to create a function whose role Lambda may not assume', async () => {
  const { arn } = cloud.iam.createRole('Other', { trustPolicy: trust('ec2.amazonaws.com') });
  await expect(createFunction('one', arn)).rejects.toMatchObject({ code: 'InvalidParameterValueException', message: expect.stringContaining('cannot be assumed by Lambda') });
});

test('EventBridge calls a function only if the function\'s policy lets this rule in', async () => {
  const role = cloud.iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com') });
  role.policies.set('Logs', policy({ Effect: 'Allow', Action: 'logs:*', Resource: '*' }));
  await createFunction('one', role.arn);
  const { lambda, schedules, logs } = cloud.services;
  schedules.put({ name: 'rule', expression: 'rate(1 minute)', enabled: true, targets: [{ functionArn: lambda.arn('one') }] });
  const lines = () => logs.messages('/logs').filter((line) => line.includes('a line')).length;
  await cloud.clock.advance({ minutes: 1 });
  expect(lines()).toBe(0);
  expect(cloud.denials).toMatchObject([{ principal: 'events.amazonaws.com', action: 'lambda:InvokeFunction', resource: lambda.arn('one') }]);

  const permission = (rule: string) => ({
    Principal: { Service: 'events.amazonaws.com' }, Action: 'lambda:InvokeFunction', Condition: { ArnLike: { 'aws:SourceArn': schedules.arn(rule) } },
  });
  lambda.addPermission('one', 'other', permission('other'));
  await cloud.clock.advance({ minutes: 1 });
  expect(lines()).toBe(0);
  lambda.addPermission('one', 'this', permission('rule'));
  await cloud.clock.advance({ minutes: 1 });
  expect(lines()).toBe(1);
  lambda.removePermission('one', 'this');
  await cloud.clock.advance({ minutes: 1 });
  expect(lines()).toBe(1);
});

test('Step Functions calls a function as the role of the state machine', async () => {
  const functionRole = cloud.iam.createRole('Function', { trustPolicy: trust('lambda.amazonaws.com') });
  await createFunction('one', functionRole.arn);
  const { lambda, stepFunctions } = cloud.services;
  const definition = JSON.stringify({ StartAt: 'call', States: { call: { Type: 'Task', Resource: lambda.arn('one'), End: true } } });
  const run = async (machine: string): Promise<string> => {
    const call = (target: string, body: object) => stepFunctions.handle({
      method: 'POST', path: '/', query: new URLSearchParams(), headers: { 'x-amz-target': `AWSStepFunctions.${target}` }, body: Buffer.from(JSON.stringify(body)), accessKeyId: '',
    });
    const { executionArn } = JSON.parse(String((await call('StartExecution', { stateMachineArn: machine })).body)) as { executionArn: string };
    for (;;) {
      const { status, cause = '' } = JSON.parse(String((await call('DescribeExecution', { executionArn })).body)) as { status: string; cause?: string };
      if (status !== 'RUNNING') return `${status} ${cause}`;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const role = cloud.iam.createRole('Machine', { trustPolicy: trust('states.amazonaws.com') });
  const untrusted = cloud.iam.createRole('Untrusted', { trustPolicy: trust('lambda.amazonaws.com') });
  const machine = stepFunctions.create('machine', definition, role.arn);
  expect(await run(machine)).toMatch(/^FAILED .*not authorized to perform: lambda:InvokeFunction/);
  role.policies.set('Invoke', policy({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: lambda.arn('one') }));
  expect(await run(machine)).toMatch(/^SUCCEEDED/);
  expect(await run(stepFunctions.create('untrusted', definition, untrusted.arn))).toMatch(/^FAILED .*cannot be assumed/);
});

describe('the operator role of a network connector', () => {
  const principal = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const Configuration = {
    VpcEgressConfiguration: {
      SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'], NetworkProtocol: 'IPv4', AssociatedComputeResourceTypes: ['MicroVm'],
    },
  };

  async function stateWith(Statement: object): Promise<string> {
    const role = cloud.iam.createRole('Operator', { trustPolicy: policy(Statement) });
    const { connectors } = cloud.services;
    const record = connectors.create({ Name: 'one', OperatorRole: role.arn, Configuration });
    await cloud.clock.advance({ seconds: 1 });
    return record.state;
  }

  test('is assumed without a word on whose behalf', async () => {
    expect(await stateWith(principal)).toBe('ACTIVE');
  });

  test('fails the connector with a trust that asks for the account', async () => {
    expect(await stateWith({ ...principal, Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } } })).toBe('FAILED');
    expect(cloud.denials.map(({ action }) => action)).toEqual(['sts:AssumeRole']);
  });

  test('fails the connector with a trust for another service', async () => {
    expect(await stateWith({ ...principal, Principal: { Service: 'ec2.amazonaws.com' } })).toBe('FAILED');
  });
});

import { group, StackCloud, TAKEN, template, thing } from './stack-cloud';

let stacks: StackCloud;

beforeAll(async () => {
  stacks = await StackCloud.withHandler();
});

beforeEach(() => stacks.forgetRequests());

afterAll(() => stacks.cloud.stop());

const groups = () => stacks.cloud.services.logs.declaredGroups().filter((name) => name !== TAKEN);
const bad = (...DependsOn: string[]) => group(TAKEN, { DependsOn });
const exporting = { Outputs: { Out: { Value: 'x', Export: { Name: 'shared' } } } };

test('takes the policies of resources that nothing was done to back with the rest', async () => {
  await stacks.create('Stack', { Retained: group('/retained', { DeletionPolicy: 'Retain' }), Deleted: group('/deleted') });
  const swapped = { Retained: group('/retained'), Deleted: group('/deleted', { DeletionPolicy: 'Retain' }) };
  expect((await stacks.update('Stack', { ...swapped, Bad: bad('Retained', 'Deleted') })).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  await stacks.delete('Stack');
  expect(groups()).toEqual(['/retained']);
  stacks.cloud.services.logs.deleteGroup('/retained');
});

test('holds what a stack imports from the beginning of its creation, not only from its end', async () => {
  await stacks.create('Producer', { Group: group('/producer') }, exporting);
  const Outputs = { Seen: { Value: { 'Fn::ImportValue': 'shared' } } };
  stacks.engine.create({ stackName: 'Consumer', templateBody: template({ Thing: thing({ Silent: 'Create', ServiceTimeout: 60 }) }, { Outputs }) });
  await stacks.asked(1);
  expect(await stacks.delete('Producer')).toMatchObject({ status: 'DELETE_FAILED', statusReason: expect.stringContaining('in use by Consumer') });
  await stacks.cloud.clock.advance({ seconds: 61 });
  expect((await stacks.settled('Consumer')).status).toBe('ROLLBACK_COMPLETE');
  expect((await stacks.delete('Producer')).status).toBe('DELETE_COMPLETE');
  await stacks.delete('Consumer');
});

test('fails to import from a stack that is being deleted', async () => {
  await stacks.create('Producer', { Thing: thing({ Silent: 'Delete', ServiceTimeout: 60 }) }, exporting);
  const { id } = stacks.stack('Producer');
  stacks.engine.delete('Producer');
  await stacks.asked(2);
  const record = await stacks.create('Consumer', { Group: group({ 'Fn::ImportValue': 'shared' }) });
  expect(record.events[1].reason).toBe('No export named shared found. Rollback requested by user.');
  await stacks.delete('Consumer');
  await stacks.cloud.clock.advance({ seconds: 61 });
  expect((await stacks.settled(id)).status).toBe('DELETE_FAILED');
  expect((await stacks.delete('Producer', { retain: ['Thing'] })).status).toBe('DELETE_COMPLETE');
});

test.each([
  ['a rule', { Type: 'AWS::Events::Rule', Properties: { Name: 'taken', ScheduleExpression: 'rate(1 minute)' } }, 'taken already exists', () => stacks.cloud.services.schedules.rules()],
  ['a managed policy', { Type: 'AWS::IAM::ManagedPolicy', Properties: { ManagedPolicyName: 'taken', PolicyDocument: {} } }, 'A policy called taken already exists', () => stacks.cloud.services.iam.managedPolicies()],
  ['a bucket policy', { Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: 'shared', PolicyDocument: {} } }, 'The bucket policy already exists on bucket shared', () => [stacks.cloud.services.buckets.bucket('shared').policy].filter(Boolean)],
])('fails to make %s where there is one, and leaves that one alone', async (_, resource, reason, those) => {
  if (!stacks.cloud.services.buckets.hasBucket('shared')) stacks.cloud.services.buckets.createBucket('shared');
  await stacks.create('Stack', { One: resource });
  const record = await stacks.create('Other', { Two: resource });
  expect(record.status).toBe('ROLLBACK_COMPLETE');
  expect(record.events.find(({ status }) => status === 'CREATE_FAILED')?.reason).toContain(reason);
  expect(those()).toHaveLength(1);
  await stacks.delete('Other');
  await stacks.delete('Stack');
  expect(those()).toEqual([]);
});

test('breaks off a rollback on the way: no event, and the next start deletes all that there is', async () => {
  const ended = await StackCloud.withHandler();
  const { cloud: own } = ended;
  await ended.create('Stack', { Group: group('/one'), Thing: thing({ Silent: 'Update' }, { DependsOn: 'Group' }) });
  ended.engine.update({ stackName: 'Stack', templateBody: template({ Group: group('/two'), Thing: thing({ N: 2 }, { DependsOn: 'Group' }), Bad: bad('Thing') }) });
  await ended.asked(3);
  const before = [...own.events];
  await own.deployer.close();
  expect(own.events).toEqual(before);
  expect(ended.stack('Stack').status).toBe('UPDATE_ROLLBACK_IN_PROGRESS');
  const after = ended.restarted();
  expect(after.stack('Stack').status).toBe('UPDATE_ROLLBACK_FAILED');
  expect((await after.delete('Stack')).status).toBe('DELETE_COMPLETE');
  expect(own.services.logs.declaredGroups()).toEqual([TAKEN]);
  await own.stop();
});

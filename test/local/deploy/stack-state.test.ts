import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { group, StackCloud, statusesOf, TAKEN, template, thing } from './stack-cloud';

let cloud: TestCloud;
let stacks: StackCloud;

beforeEach(async () => {
  cloud = await startTestCloud();
  stacks = new StackCloud(cloud);
});

afterEach(() => cloud.stop());

test('keeps stacks, deleted ones and exports, and goes on with them', async () => {
  const rest = { Parameters: { Secret: { Type: 'String', NoEcho: true } }, Outputs: { Out: { Value: { Ref: 'Group' }, Export: { Name: 'shared' } } } };
  const parameters = { Secret: '/hush' };
  await stacks.create('Stack', { Group: group('/one'), Hidden: group({ Ref: 'Secret' }) }, rest, { parameters });
  await stacks.create('User', { Group: group({ 'Fn::Sub': ['${v}/user', { v: { 'Fn::ImportValue': 'shared' } }] }) });
  await stacks.create('Gone', { Group: group('/gone') });
  await stacks.delete('Gone');
  cloud.deployer.assetBuckets.add('assets');
  const after = stacks.restarted();
  expect(after.engine.list()).toEqual(stacks.engine.list());
  expect(after.engine.exports()).toEqual(stacks.engine.exports());
  expect(after.engine.importers('shared')).toEqual(['User']);
  // The secret value is still there: nothing is to be changed.
  expect(() => after.engine.update({ stackName: 'Stack', templateBody: template({ Group: group('/one'), Hidden: group({ Ref: 'Secret' }) }, rest) }))
    .toThrow('No updates are to be performed.');
  await after.delete('User');
  await after.delete('Stack');
  expect(cloud.services.logs.declaredGroups()).toEqual([]);
});

test('tells a creation that a dead process left as failed, and deletes what it had made and may have made', async () => {
  await stacks.deployHandler();
  stacks.engine.create({ stackName: 'Stack', templateBody: template({ Group: group('/made'), Thing: thing({ Silent: 'Create' }, { DependsOn: 'Group' }) }) });
  await stacks.asked(1);
  const after = stacks.restarted();
  expect(after.stack('Stack')).toMatchObject({ status: 'CREATE_FAILED', statusReason: expect.stringContaining('The local cloud ended while this was under way.') });
  expect((await after.delete('Stack')).status).toBe('DELETE_COMPLETE');
  expect(cloud.services.logs.declaredGroups()).toEqual([]);
  expect(stacks.requests().map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
});

test('tells an update that a dead process left as failed, and cleans up with the next one', async () => {
  await stacks.deployHandler();
  await stacks.create('Stack', { Group: group('/one'), Removed: group('/removed'), Thing: thing({ N: 1 }) });
  stacks.engine.update({ stackName: 'Stack', templateBody: template({ Group: group('/two'), Thing: thing({ N: 2, Silent: 'Update' }, { DependsOn: 'Group' }) }) });
  await stacks.asked(2);
  const after = stacks.restarted();
  expect(after.stack('Stack').status).toBe('UPDATE_FAILED');
  expect((await after.update('Stack', { Group: group('/two'), Thing: thing({ N: 2 }) })).status).toBe('UPDATE_COMPLETE');
  expect(cloud.services.logs.declaredGroups().sort()).toEqual(['/two']);
});

test('tells a rollback and a deletion that a dead process left as failed', async () => {
  await stacks.deployHandler();
  cloud.services.logs.createGroup(TAKEN);
  stacks.engine.create({ stackName: 'Rolling', templateBody: template({ Thing: thing({ Silent: 'Delete' }), Bad: group(TAKEN, { DependsOn: 'Thing' }) }) });
  await stacks.asked(2);
  await stacks.create('Deleting', { Thing: thing({ Silent: 'Delete' }) });
  stacks.engine.delete('Deleting');
  await stacks.asked(4);
  const after = stacks.restarted();
  expect(after.stack('Rolling').status).toBe('ROLLBACK_FAILED');
  expect(after.stack('Deleting').status).toBe('DELETE_FAILED');
  expect(statusesOf(after.stack('Deleting'), 'Deleting').slice(-2)).toEqual(['DELETE_IN_PROGRESS', 'DELETE_FAILED']);
  const [thingOf] = after.stack('Deleting').resources;
  expect(thingOf).toMatchObject({ logicalId: 'Thing', physicalId: 'thing-Thing' });
});

test('deletes a nested stack that was being made, and what it had made', async () => {
  await stacks.deployHandler();
  cloud.services.buckets.createBucket('templates');
  const inner = template({ Group: group('/inner'), Thing: thing({ Silent: 'Create' }, { DependsOn: 'Group' }) });
  await cloud.services.buckets.put('templates', 'inner.json', Buffer.from(inner));
  const TemplateURL = 'https://templates.s3.us-east-1.amazonaws.com/inner.json';
  stacks.engine.create({ stackName: 'Outer', templateBody: template({ Inner: { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL } } }) });
  await stacks.asked(1);
  const after = stacks.restarted();
  expect((await after.delete('Outer')).status).toBe('DELETE_COMPLETE');
  expect(after.engine.list().filter(({ status }) => status !== 'DELETE_COMPLETE').map(({ name }) => name)).toEqual(['Handlers']);
  expect(cloud.services.logs.declaredGroups()).toEqual([]);
});

test('breaks off on the way: no rollback, no event, and the next start finds what it had begun', async () => {
  await stacks.deployHandler();
  await stacks.create('Deleting', { Thing: thing({ Silent: 'Delete' }) });
  stacks.engine.delete('Deleting');
  // One after the other: two functions at once may write in any order.
  await stacks.asked(2);
  stacks.engine.create({
    stackName: 'Stack',
    templateBody: template({ Group: group('/made'), Thing: thing({ Silent: 'Create' }, { DependsOn: 'Group' }), Later: group('/later', { DependsOn: 'Thing' }) }),
  });
  await stacks.asked(3);
  const before = [...cloud.events];
  await cloud.deployer.close();
  expect(cloud.events).toEqual(before);
  expect(['Stack', 'Deleting'].map((name) => stacks.stack(name).status)).toEqual(['CREATE_IN_PROGRESS', 'DELETE_IN_PROGRESS']);
  expect(cloud.services.logs.declaredGroups()).toEqual(['/made']);
  expect(() => stacks.engine.create({ stackName: 'Other', templateBody: template({ Group: group() }) })).toThrow('the local cloud is stopped');
  const after = stacks.restarted();
  expect((await after.delete('Stack')).status).toBe('DELETE_COMPLETE');
  expect(cloud.services.logs.declaredGroups()).toEqual([]);
  expect(stacks.requests().map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete', 'Create', 'Delete']);
});

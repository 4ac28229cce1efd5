import { group, StackCloud, statusesOf, TAKEN, thing } from './stack-cloud';

let stacks: StackCloud;

beforeAll(async () => {
  stacks = await StackCloud.withHandler();
});

beforeEach(() => stacks.forgetRequests());

afterEach(() => stacks.deleteAll());

afterAll(() => stacks.cloud.stop());

const bad = (...DependsOn: string[]) => group(TAKEN, { DependsOn });
const calls = () => stacks.requests().map(({ RequestType, LogicalResourceId, PhysicalResourceId }) => {
  return [RequestType, LogicalResourceId, PhysicalResourceId];
});

test('creates in the order of dependencies and deletes the other way round, what an update removes, too', async () => {
  const chain = { Last: thing({}, { DependsOn: ['Middle'] }), Middle: thing({}, { DependsOn: 'First' }), First: thing() };
  await stacks.create('Stack', { ...chain, Group: group('/stays') });
  await stacks.update('Stack', { Group: group('/stays') });
  expect(calls()).toEqual([
    ['Create', 'First', undefined], ['Create', 'Middle', undefined], ['Create', 'Last', undefined],
    ['Delete', 'Last', 'thing-Last'], ['Delete', 'Middle', 'thing-Middle'], ['Delete', 'First', 'thing-First'],
  ]);
});

test('asks nothing of a resource whose properties stay, nor of one that is retained', async () => {
  const kept = { Thing: thing({ N: 1 }, { DeletionPolicy: 'Retain' }) };
  await stacks.create('Stack', { ...kept, Group: group('/one') });
  await stacks.update('Stack', { ...kept, Group: group('/two') });
  const deleted = await stacks.delete('Stack');
  expect(statusesOf(deleted, 'Thing').at(-1)).toBe('DELETE_SKIPPED');
  expect(calls()).toEqual([['Create', 'Thing', undefined]]);
});

test('keeps the id that the rollback answered, and deletes those that came up on the way', async () => {
  const Answers = JSON.stringify({ Update: { PhysicalResourceId: 'three' } });
  await stacks.create('Stack', { Thing: thing({ Id: 'one', Answers }) });
  const record = await stacks.update('Stack', { Thing: thing({ Id: 'two' }), Bad: bad('Thing') });
  expect(calls().slice(0, 3)).toEqual([['Create', 'Thing', undefined], ['Update', 'Thing', 'one'], ['Update', 'Thing', 'two']]);
  expect(calls().slice(3).sort()).toEqual([['Delete', 'Thing', 'one'], ['Delete', 'Thing', 'two']]);
  expect(record).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', resources: [{ logicalId: 'Thing', physicalId: 'three' }] });
});

test('lets go of an old id that could not be deleted in three attempts, and says so', async () => {
  await stacks.create('Stack', { Thing: thing({ Id: 'one', Fail: 'Delete' }) });
  const record = await stacks.update('Stack', { Thing: thing({ Id: 'two' }) });
  expect(record.status).toBe('UPDATE_COMPLETE');
  const failed = { physicalId: 'one', reason: expect.stringContaining('no Delete today') };
  expect(record.events.filter(({ status }) => status === 'DELETE_FAILED')).toMatchObject([failed, failed, failed]);
  expect(stacks.cloud.events).toContainEqual({ kind: 'warning', message: expect.stringMatching(/stack Stack: Thing \(Custom::Thing, one\) .* could not be deleted/) });
  expect((await stacks.delete('Stack')).status).toBe('DELETE_COMPLETE');
  expect(calls().slice(2).map(([, , physicalId]) => physicalId)).toEqual(['one', 'one', 'one', 'two']);
});

test('cancels the update of siblings, and takes it back nevertheless', async () => {
  await stacks.create('Stack', { Slow: thing({ N: 1 }) });
  const record = await stacks.update('Stack', { Slow: thing({ N: 2 }), Bad: bad() });
  expect(record.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(record.events.find(({ logicalId, status }) => logicalId === 'Slow' && status === 'UPDATE_FAILED')?.reason).toBe('Resource update cancelled');
  expect(statusesOf(record, 'Slow').slice(2)).toEqual(['UPDATE_IN_PROGRESS', 'UPDATE_FAILED', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']);
  expect(calls()).toEqual([['Create', 'Slow', undefined], ['Update', 'Slow', 'thing-Slow'], ['Update', 'Slow', 'thing-Slow']]);
});

test('fails an update and a deletion without an answer in time, too', async () => {
  const inTime = { ServiceTimeout: 60 };
  await stacks.create('Stack', { Thing: thing({ ...inTime, N: 1 }) });
  stacks.engine.update({ stackName: 'Stack', templateBody: JSON.stringify({ Resources: { Thing: thing({ ...inTime, Silent: 'Update' }) } }) });
  await stacks.asked(2);
  await stacks.cloud.clock.advance({ seconds: 61 });
  expect((await stacks.settled('Stack')).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  await stacks.update('Stack', { Thing: thing({ ...inTime, Silent: 'Delete' }) });
  stacks.engine.delete('Stack');
  await stacks.asked(5);
  await stacks.cloud.clock.advance({ seconds: 61 });
  const record = await stacks.settled('Stack');
  expect(record).toMatchObject({ status: 'DELETE_FAILED', statusReason: 'The following resource(s) failed to delete: [Thing]. ' });
  expect(record.events.filter(({ reason }) => reason?.includes('did not receive a response')).map(({ status }) => status)).toEqual(['UPDATE_FAILED', 'DELETE_FAILED']);
  await stacks.cloud.deployer.engine.settled('Stack');
  expect(stacks.stack('Stack').resources).toMatchObject([{ physicalId: 'thing-Thing', status: 'DELETE_FAILED' }]);
  expect((await stacks.delete('Stack', { retain: ['Thing'] })).status).toBe('DELETE_COMPLETE');
});

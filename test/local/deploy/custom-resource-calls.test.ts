import { group, StackCloud, statusesOf, TAKEN, thing } from './stack-cloud';
import type { StackRecord } from '../../../local/src/deploy/stack-engine';

let stacks: StackCloud;

beforeAll(async () => {
  stacks = await StackCloud.withHandler();
});

beforeEach(() => stacks.forgetRequests());

afterEach(() => stacks.deleteAll());

afterAll(() => stacks.cloud.stop());

const bad = (...DependsOn: string[]) => group(TAKEN, { DependsOn });
const calls = () => stacks.requests().map((request) => {
  const n = (properties: unknown) => (properties as { N?: string } | undefined)?.N;
  const { RequestType, PhysicalResourceId, ResourceProperties, OldResourceProperties } = request;
  return [RequestType, PhysicalResourceId, n(ResourceProperties), n(OldResourceProperties)];
});
const reasonOf = ({ events }: StackRecord, logicalId: string) => events.find((event) => event.logicalId === logicalId && event.status.endsWith('FAILED'))?.reason;

test('sends a request with everything in it, and the properties as texts', async () => {
  const { id } = await stacks.create('Stack', { Thing: thing({ N: 1, Yes: true, List: [{ Deep: 2 }] }) }, { Outputs: { N: { Value: { 'Fn::GetAtt': ['Thing', 'N'] } } } });
  expect(stacks.requests()).toEqual([{
    RequestType: 'Create',
    ServiceToken: expect.stringContaining(':function:handler'),
    StackId: id,
    RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    ResourceType: 'Custom::Thing',
    LogicalResourceId: 'Thing',
    ResourceProperties: { ServiceToken: expect.any(String), N: '1', Yes: 'true', List: [{ Deep: '2' }] },
  }]);
  expect(stacks.stack('Stack').outputs).toEqual([{ key: 'N', value: '1' }]);
});

test('deletes a resource whose creation worked when another one fails, by its id', async () => {
  await stacks.create('Stack', { Thing: thing({ Id: 'one', N: 1 }), Bad: bad('Thing') });
  expect(calls()).toEqual([['Create', undefined, '1', undefined], ['Delete', 'one', '1', undefined]]);
});

test('deletes a resource whose creation failed, by the id that the failure came with', async () => {
  const record = await stacks.create('Stack', { Thing: thing({ Id: 'marked', Fail: 'Create' }) });
  expect(calls()).toEqual([['Create', undefined, undefined, undefined], ['Delete', 'marked', undefined, undefined]]);
  expect(reasonOf(record, 'Thing')).toMatch(/^Received response status \[FAILED\] from custom resource. Message returned: no Create today \(RequestId: [0-9a-f-]{36}\)$/);
});

test('updates with the old properties, and deletes the old id after the update that changed it', async () => {
  await stacks.create('Stack', { Thing: thing({ Id: 'one', N: 1 }) });
  await stacks.update('Stack', { Thing: thing({ Id: 'one', N: 2 }) });
  await stacks.update('Stack', { Thing: thing({ Id: 'two', N: 3 }) });
  expect(calls()).toEqual([
    ['Create', undefined, '1', undefined], ['Update', 'one', '2', '1'], ['Update', 'one', '3', '2'], ['Delete', 'one', '2', undefined],
  ]);
  expect(stacks.stack('Stack').resources[0].physicalId).toBe('two');
});

test('rolls back an update with an update to the old properties', async () => {
  await stacks.create('Stack', { Thing: thing({ N: 1 }) });
  const record = await stacks.update('Stack', { Thing: thing({ N: 2 }), Bad: bad('Thing') });
  expect(calls()).toEqual([['Create', undefined, '1', undefined], ['Update', 'thing-Thing', '2', '1'], ['Update', 'thing-Thing', '1', '2']]);
  expect(record.status).toBe('UPDATE_ROLLBACK_COMPLETE');
});

test('rolls back an update that failed itself, too', async () => {
  await stacks.create('Stack', { Thing: thing({ N: 1 }) });
  await stacks.update('Stack', { Thing: thing({ N: 2, Fail: 'Update' }) });
  expect(calls()).toEqual([['Create', undefined, '1', undefined], ['Update', 'thing-Thing', '2', '1'], ['Update', 'thing-Thing', '1', '2']]);
});

test('rolls back a changed id: an update of the new one, whose deletion follows in the cleanup', async () => {
  await stacks.create('Stack', { Thing: thing({ Id: 'one', N: 1 }) });
  const record = await stacks.update('Stack', { Thing: thing({ Id: 'two', N: 2 }), Bad: bad('Thing') });
  expect(calls()).toEqual([['Create', undefined, '1', undefined], ['Update', 'one', '2', '1'], ['Update', 'two', '1', '2'], ['Delete', 'two', '2', undefined]]);
  expect(record.resources).toMatchObject([{ physicalId: 'one', status: 'UPDATE_COMPLETE' }]);
  await stacks.delete('Stack');
  expect(calls().at(-1)).toEqual(['Delete', 'one', '1', undefined]);
});

test('fails a rollback that the resource refuses, and still deletes the stack', async () => {
  await stacks.create('Stack', { Thing: thing({ N: 1, Fail: 'Update' }) });
  const record = await stacks.update('Stack', { Thing: thing({ N: 2 }), Bad: bad('Thing') });
  expect(record).toMatchObject({ status: 'UPDATE_ROLLBACK_FAILED', statusReason: 'The following resource(s) failed to update: [Thing]. ' });
  expect(() => stacks.engine.update({ stackName: 'Stack', templateBody: '{"Resources":{"A":{"Type":"AWS::Logs::LogGroup"}}}' })).toThrow('UPDATE_ROLLBACK_FAILED');
  expect((await stacks.delete('Stack')).status).toBe('DELETE_COMPLETE');
});

test('cancels the creation of siblings, and deletes what they made nevertheless', async () => {
  const record = await stacks.create('Stack', { Slow: thing({ N: 1 }), Bad: group(TAKEN) });
  expect(reasonOf(record, 'Slow')).toBe('Resource creation cancelled');
  expect(statusesOf(record, 'Slow')).toEqual(['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE']);
  expect(record.events.find(({ status }) => status === 'ROLLBACK_IN_PROGRESS')?.reason).toBe('The following resource(s) failed to create: [Bad, Slow]. Rollback requested by user.');
  expect(calls().map(([type]) => type)).toEqual(['Create', 'Delete']);
});

test('does not let the function change, and does not even ask it', async () => {
  await stacks.create('Stack', { Thing: thing({ N: 1 }) });
  const record = await stacks.update('Stack', { Thing: thing({ N: 2, ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:other' }) });
  expect(reasonOf(record, 'Thing')).toBe('Modifying service token is not allowed.');
  expect(record.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(calls()).toHaveLength(1);
});

test('masks what a resource keeps to itself in outputs and events, and hands it to other resources', async () => {
  const Answers = JSON.stringify({ All: { NoEcho: true, Data: { Secret: '/hush' } } });
  const record = await stacks.create('Stack', { Thing: thing({ Answers }), Group: group({ 'Fn::GetAtt': ['Thing', 'Secret'] }) }, {
    Outputs: { Out: { Value: { 'Fn::Sub': 'x ${Thing.Secret}' } } },
  });
  expect(stacks.cloud.services.logs.declaredGroups()).toContain('/hush');
  expect(record.outputs).toEqual([{ key: 'Out', value: 'x ****' }]);
  expect(record.events.filter(({ logicalId }) => logicalId === 'Group').map(({ properties }) => properties)).toEqual(['{"LogGroupName":"****"}', '{"LogGroupName":"****"}']);
});

test('masks them in exports, in functions of them and in stacks that import them, which get the value', async () => {
  const Answers = JSON.stringify({ All: { NoEcho: true, Data: { Secret: '/hush-quiet' } } });
  const Value = { 'Fn::GetAtt': ['Thing', 'Secret'] };
  const part = { 'Fn::Select': [1, { 'Fn::Split': ['-', Value] }] };
  const { outputs } = await stacks.create('Stack', { Thing: thing({ Answers }), Part: group(part) }, { Outputs: { Out: { Value, Export: { Name: 'secret' } }, Part: { Value: part } } });
  expect(outputs.map(({ value }) => value)).toEqual(['****', '****']);
  expect(stacks.engine.exports()).toMatchObject([{ name: 'secret', value: '****' }]);
  const user = await stacks.create('User', { Group: group({ 'Fn::ImportValue': 'secret' }) }, { Outputs: { Seen: { Value: { 'Fn::ImportValue': 'secret' } } } });
  expect(stacks.cloud.services.logs.declaredGroups()).toEqual(expect.arrayContaining(['quiet', '/hush-quiet']));
  expect(user.outputs).toEqual([{ key: 'Seen', value: '****' }]);
  expect(JSON.stringify(user.events.map(({ properties }) => properties))).not.toContain('hush');
  await stacks.delete('User');
});

test.each<[string, object, string]>([
  ['no id', { Answers: '{"Create":{"PhysicalResourceId":""}}' }, 'Invalid PhysicalResourceId'],
  ['an id that is too long', { Answers: JSON.stringify({ Create: { PhysicalResourceId: 'x'.repeat(1025) } }) }, 'Invalid PhysicalResourceId'],
  ['an unknown status', { Answers: '{"Create":{"Status":"FAILURE"}}' }, 'Invalid Response object: \'FAILURE\' is not a valid ResponseStatus'],
  ['the id of another request', { Answers: '{"Create":{"RequestId":"other"}}' }, 'Value of property RequestId must be that of the request'],
  ['another stack', { Answers: '{"Create":{"StackId":"other"}}' }, 'Value of property StackId must be that of the request'],
  ['another resource', { Answers: '{"Create":{"LogicalResourceId":"Other"}}' }, 'Value of property LogicalResourceId must be that of the request'],
  ['data that is no object', { Answers: '{"Create":{"Data":["x"]}}' }, 'Value of property Data must be an object'],
  ['more than 4096 bytes', { Answers: JSON.stringify({ Create: { Data: { N: 'x'.repeat(4096) } } }) }, 'Response object is too long.'],
])('fails for an answer with %s, and deletes what may be there', async (_, properties, reason) => {
  const record = await stacks.create('Stack', { Thing: thing(properties) });
  expect(reasonOf(record, 'Thing')).toContain(reason);
  expect(record.status).toBe('ROLLBACK_COMPLETE');
  expect(calls().map(([type, id]) => [type, typeof id])).toEqual([['Create', 'undefined'], ['Delete', 'string']]);
});

test('fails for an answer that is no JSON', async () => {
  const record = await stacks.create('Stack', { Thing: thing({ Raw: 'nope' }) }, {}, { disableRollback: true });
  expect(reasonOf(record, 'Thing')).toContain('did not answer with a JSON object');
});

test('fails for an attribute that the answer does not have', async () => {
  const record = await stacks.create('Stack', { Thing: thing(), Group: group({ 'Fn::GetAtt': ['Thing', 'Nope'] }) });
  expect(reasonOf(record, 'Group')).toContain('CustomResource attribute error: Vendor response doesn\'t contain Nope attribute');
});

test('takes one answer, and none after the deadline', async () => {
  await stacks.create('Stack', { Thing: thing({ Twice: 'yes' }) });
  await stacks.written(/^answered 200 \d/);
  expect(stacks.lines()).toContain('answered 200 403');
  stacks.engine.create({ stackName: 'Late', templateBody: JSON.stringify({ Resources: { Late: thing({ Silent: 'Create', ServiceTimeout: '30' }) } }) });
  await stacks.written(/"LogicalResourceId":"Late"/);
  await stacks.cloud.clock.advance({ seconds: 29 });
  expect(stacks.stack('Late').status).toBe('CREATE_IN_PROGRESS');
  // Told while it is under way, not at its end.
  expect(stacks.cloud.events.at(-1)).toMatchObject({ kind: 'resource', stackName: 'Late', logicalId: 'Late', status: 'CREATE_IN_PROGRESS' });
  await stacks.cloud.clock.advance({ seconds: 2 });
  const record = await stacks.settled('Late');
  expect(reasonOf(record, 'Late')).toContain('did not receive a response from your Custom Resource within 30 seconds');
  expect(record.status).toBe('ROLLBACK_COMPLETE');
});

test('fails for a timeout out of bounds before anything is asked', async () => {
  const record = await stacks.create('Stack', { Thing: thing({ ServiceTimeout: 3601 }) });
  expect(reasonOf(record, 'Thing')).toContain('ServiceTimeout must be a whole number of seconds from 1 to 3600, got 3601');
  expect(calls()).toEqual([]);
});

test('an attribute may be a list, and the id may name what is not there yet', async () => {
  const physicalId = 'arn:aws:lambda:us-east-1:000000000000:microvm-image:to-be';
  const Create = { PhysicalResourceId: physicalId, Data: { Zones: ['a', 'b'], None: [] } };
  const values = {
    Second: { Value: { 'Fn::Select': [1, { 'Fn::GetAtt': ['Thing', 'Zones'] }] } },
    All: { Value: { 'Fn::Join': ['+', { 'Fn::GetAtt': ['Thing', 'Zones'] }] } },
    None: { Value: { 'Fn::Join': [',', { 'Fn::GetAtt': ['Thing', 'None'] }] } },
    Ref: { Value: { Ref: 'Thing' } },
  };
  const stack = await stacks.create('Stack', { Thing: thing({ Answers: JSON.stringify({ Create }) }) }, { Outputs: values });
  expect(stack.outputs.map(({ value }) => value)).toEqual(['b', 'a+b', '', physicalId]);
});

test('a long reason is in the events as a whole, as long as the answer is not too long', async () => {
  const Reason = `begin ${'x'.repeat(3000)} end`;
  const record = await stacks.create('Stack', { Thing: thing({ Answers: JSON.stringify({ Create: { Status: 'FAILED', Reason } }) }) });
  expect(reasonOf(record, 'Thing')).toContain(`Message returned: ${Reason} (RequestId: `);
});

test('control characters in a reason are left out and told of', async () => {
  const escape = String.fromCharCode(27);
  const Create = { Status: 'FAILED', Reason: `${escape}[31mred${escape}[0m\tand\nmore` };
  const record = await stacks.create('Stack', { Thing: thing({ Answers: JSON.stringify({ Create }) }) });
  expect(reasonOf(record, 'Thing')).toContain('Message returned: [31mred[0m\tand\nmore (RequestId: ');
  expect(stacks.cloud.events).toContainEqual({ kind: 'warning', message: expect.stringContaining('Thing: the reason that it failed with has control characters') });
});

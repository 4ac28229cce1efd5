import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { group, StackCloud, statusesOf, TAKEN, template } from './stack-cloud';

let cloud: TestCloud;
let stacks: StackCloud;

beforeEach(async () => {
  cloud = await startTestCloud();
  stacks = new StackCloud(cloud);
  cloud.services.logs.createGroup(TAKEN);
});

afterEach(() => cloud.stop());

const groups = () => cloud.services.logs.declaredGroups().filter((name) => name !== TAKEN);
const failing = (rest: object = {}) => group(TAKEN, rest);

test('keeps the record of a stack: parameters without secrets, tags, outputs, times, events with properties', async () => {
  const record = await stacks.create('Stack', { Group: group({ Ref: 'Name' }, { Properties: { LogGroupName: { Ref: 'Name' }, Odd: { Ref: 'Secret' } } }) }, {
    Description: 'a stack',
    Parameters: { Name: { Type: 'String' }, Secret: { Type: 'String', NoEcho: true }, Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/hnb659fds/version' } },
    Outputs: { Out: { Value: { Ref: 'Group' }, Description: 'the group', Export: { Name: 'exported' } }, Secret: { Value: { Ref: 'Secret' } } },
  }, { parameters: { Name: '/group', Secret: 'hush' }, tags: { a: 'b' } });
  expect(record).toMatchObject({
    name: 'Stack',
    id: expect.stringMatching(/^arn:aws:cloudformation:us-east-1:000000000000:stack\/Stack\/[0-9a-f-]{36}$/),
    status: 'CREATE_COMPLETE',
    description: 'a stack',
    parameters: [
      { key: 'Name', value: '/group' }, { key: 'Secret', value: '****' }, { key: 'Stored', value: '/cdk-bootstrap/hnb659fds/version', resolvedValue: '30' },
    ],
    tags: { a: 'b' },
    // CloudFormation does not mask a secret parameter in an output.
    outputs: [{ key: 'Out', value: '/group', description: 'the group', exportName: 'exported' }, { key: 'Secret', value: 'hush' }],
    resources: [{ logicalId: 'Group', physicalId: '/group', type: 'AWS::Logs::LogGroup', status: 'CREATE_COMPLETE' }],
    createdAt: expect.any(Number),
    terminationProtection: false,
  });
  expect(record.updatedAt).toBeUndefined();
  expect(record.events.map(({ logicalId, status, properties }) => [logicalId, status, properties])).toEqual([
    ['Stack', 'CREATE_IN_PROGRESS', undefined],
    ['Group', 'CREATE_IN_PROGRESS', '{"LogGroupName":"/group","Odd":"****"}'],
    ['Group', 'CREATE_COMPLETE', '{"LogGroupName":"/group","Odd":"****"}'],
    ['Stack', 'CREATE_COMPLETE', undefined],
  ]);
  expect(new Set(record.events.map(({ eventId }) => eventId)).size).toBe(4);
  expect(stacks.engine.exports()).toEqual([{ name: 'exported', value: '/group', stackId: record.id }]);
});

test('answers a creation at once, and refuses a second operation until it is over', async () => {
  const record = stacks.engine.create({ stackName: 'Stack', templateBody: template({ Group: group() }) });
  expect(record.status).toBe('CREATE_IN_PROGRESS');
  const other = stacks.engine.create({ stackName: 'Other', templateBody: template({ Group: group() }) });
  const update = () => stacks.engine.update({ stackName: 'Stack', templateBody: template({ Group: group('x') }) });
  expect(update).toThrow(`Stack:${record.id} is in CREATE_IN_PROGRESS state and can not be updated.`);
  expect(() => stacks.engine.delete('Stack')).toThrow('Stack [Stack] cannot be deleted while in status CREATE_IN_PROGRESS');
  expect(() => stacks.engine.create({ stackName: 'Stack', templateBody: template({ Group: group() }) }))
    .toThrow(expect.objectContaining({ code: 'AlreadyExistsException', message: 'Stack [Stack] already exists' }));
  expect((await stacks.settled('Stack')).status).toBe('CREATE_COMPLETE');
  expect((await stacks.settled(other.id)).status).toBe('CREATE_COMPLETE');
});

test('fails a creation into ROLLBACK_COMPLETE, which only deleting gets it out of', async () => {
  const record = await stacks.create('Stack', { Group: group('/made'), Bad: failing({ DependsOn: 'Group' }), Never: group('/never', { DependsOn: 'Bad' }) });
  expect(record.events.map(({ logicalId, status }) => `${logicalId} ${status}`)).toEqual([
    'Stack CREATE_IN_PROGRESS', 'Group CREATE_IN_PROGRESS', 'Group CREATE_COMPLETE', 'Bad CREATE_IN_PROGRESS', 'Bad CREATE_FAILED',
    'Stack ROLLBACK_IN_PROGRESS', 'Group DELETE_IN_PROGRESS', 'Group DELETE_COMPLETE', 'Stack ROLLBACK_COMPLETE',
  ]);
  expect(record.events[5].reason).toBe('The following resource(s) failed to create: [Bad]. Rollback requested by user.');
  expect(record.events[4].reason).toContain('already exists');
  expect(groups()).toEqual([]);
  expect(() => stacks.engine.update({ stackName: 'Stack', templateBody: template({ Group: group() }) }))
    .toThrow(`Stack:${record.id} is in ROLLBACK_COMPLETE state and can not be updated.`);
  expect((await stacks.delete('Stack')).status).toBe('DELETE_COMPLETE');
  expect((await stacks.create('Stack', { Group: group() })).status).toBe('CREATE_COMPLETE');
});

test('fails a creation without rollback and keeps what was made, and goes on with the next update', async () => {
  const record = await stacks.create('Stack', { Group: group('/made'), Bad: failing({ DependsOn: 'Group' }) }, {}, { disableRollback: true });
  expect(record).toMatchObject({ status: 'CREATE_FAILED', statusReason: 'The following resource(s) failed to create: [Bad]. ' });
  expect(groups()).toEqual(['/made']);
  const updated = await stacks.update('Stack', { Group: group('/made'), Bad: group('/good', { DependsOn: 'Group' }) });
  expect(updated.status).toBe('UPDATE_COMPLETE');
  expect(groups()).toEqual(['/made', '/good']);
});

test('updates, replaces and removes in CloudFormation\'s order, and cleans up last', async () => {
  await stacks.create('Stack', { Replaced: group('/one'), Removed: group('/removed'), Changed: group('/changed') });
  cloud.events.length = 0;
  const record = await stacks.update('Stack', {
    Replaced: group('/two'),
    Changed: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/changed', RetentionInDays: 7 }, DependsOn: 'Replaced' },
    Added: group('/added', { DependsOn: 'Changed' }),
  });
  expect(record.status).toBe('UPDATE_COMPLETE');
  const events = record.events.slice(8).map(({ logicalId, status, physicalId }) => `${logicalId} ${status} ${physicalId.startsWith('arn') ? '' : physicalId}`.trim());
  expect(events.slice(0, 8)).toEqual([
    'Stack UPDATE_IN_PROGRESS', 'Replaced UPDATE_IN_PROGRESS', 'Replaced UPDATE_COMPLETE /two', 'Changed UPDATE_IN_PROGRESS /changed', 'Changed UPDATE_COMPLETE /changed',
    'Added CREATE_IN_PROGRESS', 'Added CREATE_COMPLETE /added', 'Stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  ]);
  expect(events.slice(8, -1).sort()).toEqual(['Removed DELETE_COMPLETE /removed', 'Removed DELETE_IN_PROGRESS /removed', 'Replaced DELETE_COMPLETE /one', 'Replaced DELETE_IN_PROGRESS /one']);
  expect(events.at(-1)).toBe('Stack UPDATE_COMPLETE');
  expect(record.resources.map(({ logicalId, physicalId, status }) => [logicalId, physicalId, status]).sort()).toEqual([
    ['Added', '/added', 'CREATE_COMPLETE'], ['Changed', '/changed', 'UPDATE_COMPLETE'], ['Replaced', '/two', 'UPDATE_COMPLETE'],
  ]);
  expect(groups().sort()).toEqual(['/added', '/changed', '/two']);
});

test('fails an update back to what was before, template and outputs included', async () => {
  const before = await stacks.create('Stack', { Replaced: group('/one'), Removed: group('/removed') }, { Outputs: { Out: { Value: { Ref: 'Replaced' } } } });
  const record = await stacks.update('Stack', { Replaced: group('/two'), Added: group('/added'), Bad: failing({ DependsOn: ['Replaced', 'Added'] }) });
  expect(record).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', templateBody: before.templateBody, outputs: before.outputs });
  expect(statusesOf(record, 'Stack').slice(2)).toEqual([
    'UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE',
  ]);
  expect(groups().sort()).toEqual(['/one', '/removed']);
  expect(record.resources.map(({ logicalId, physicalId }) => [logicalId, physicalId])).toEqual([['Replaced', '/one'], ['Removed', '/removed']]);
  expect((await stacks.update('Stack', { Replaced: group('/three') })).status).toBe('UPDATE_COMPLETE');
  expect(groups()).toEqual(['/three']);
});

test('fails an update without rollback, and tries again what failed', async () => {
  await stacks.create('Stack', { Group: group('/one') });
  const record = await stacks.update('Stack', { Group: group('/two'), Bad: failing({ DependsOn: 'Group' }) }, {}, { disableRollback: true });
  expect(record).toMatchObject({ status: 'UPDATE_FAILED', statusReason: 'The following resource(s) failed to create: [Bad]. ' });
  expect(groups().sort()).toEqual(['/one', '/two']);
  await stacks.update('Stack', { Group: group('/two'), Bad: group('/good') });
  expect(groups().sort()).toEqual(['/good', '/two']);
});

test('fails an update that changes nothing, and one that changes the type of a resource', async () => {
  await stacks.create('Stack', { Group: group('/one') }, { Outputs: { Out: { Value: 'x' } } }, { tags: { a: 'b' } });
  const update = (resources: Record<string, object>, rest: object = { Outputs: { Out: { Value: 'x' } } }, more: object = {}) => () => {
    stacks.engine.update({ stackName: 'Stack', templateBody: template(resources, rest), ...more });
  };
  expect(update({ Group: group('/one') })).toThrow(expect.objectContaining({ code: 'ValidationError', message: 'No updates are to be performed.' }));
  expect(update({ Group: group('/one') }, undefined, { tags: { a: 'b' } })).toThrow('No updates are to be performed.');
  expect(update({ Group: { Type: 'AWS::S3::Bucket' } }))
    .toThrow('Update of resource type is not permitted. The new template modifies resource type of the following resources: [Group]');
  expect(() => stacks.engine.update({ stackName: 'None', templateBody: template({ Group: group() }) })).toThrow('Stack [None] does not exist');
  await stacks.update('Stack', { Group: group('/one', { DeletionPolicy: 'Retain' }) }, { Outputs: { Out: { Value: 'x' } } });
  expect(stacks.stack('Stack').status).toBe('UPDATE_COMPLETE');
  await stacks.update('Stack', { Group: group('/one', { DeletionPolicy: 'Retain' }) }, { Outputs: { Out: { Value: 'y' } } });
  expect(stacks.stack('Stack').outputs).toMatchObject([{ value: 'y' }]);
  expect((await stacks.delete('Stack')).events.map(({ status }) => status)).toContain('DELETE_SKIPPED');
  expect(groups()).toEqual(['/one']);
});

test('keeps parameters that an update does not give, and drops those that the template has no longer', async () => {
  const Parameters = { Name: { Type: 'String', Default: '/default' }, Old: { Type: 'String', Default: 'x' } };
  await stacks.create('Stack', { Group: group({ Ref: 'Name' }) }, { Parameters }, { parameters: { Name: '/given' } });
  const record = await stacks.update('Stack', { Group: group({ Ref: 'Name' }), More: group('/more') }, { Parameters: { Name: Parameters.Name } });
  expect(record.parameters).toEqual([{ key: 'Name', value: '/given' }]);
  expect(groups()).toEqual(['/given', '/more']);
});

test('follows conditions that flip, and waits for no dependency that is not there', async () => {
  const resources = { Maybe: group('/maybe', { Condition: 'On' }), Always: group('/always', { DependsOn: 'Maybe' }) };
  const rest = { Parameters: { On: { Type: 'String' } }, Conditions: { On: { 'Fn::Equals': [{ Ref: 'On' }, 'yes'] } }, Outputs: { Out: { Condition: 'On', Value: { Ref: 'Maybe' } } } };
  expect((await stacks.create('Stack', resources, rest, { parameters: { On: 'no' } })).outputs).toEqual([]);
  expect(groups()).toEqual(['/always']);
  expect((await stacks.update('Stack', resources, rest, { parameters: { On: 'yes' } })).outputs).toEqual([{ key: 'Out', value: '/maybe' }]);
  await stacks.update('Stack', resources, rest, { parameters: { On: 'no' } });
  expect(groups()).toEqual(['/always']);
});

test('keeps to each policy: what is retained on which occasion', async () => {
  const policies = { Retained: group('/retained', { DeletionPolicy: 'Retain' }), ExceptOnCreate: group('/except', { DeletionPolicy: 'RetainExceptOnCreate' }) };
  await stacks.create('Failed', { ...policies, Bad: failing({ DependsOn: Object.keys(policies) }) });
  expect(groups()).toEqual(['/retained']);
  cloud.services.logs.deleteGroup('/retained');
  await stacks.create('Stack', { ...policies, Swapped: group('/old', { UpdateReplacePolicy: 'Retain' }) });
  await stacks.update('Stack', { Swapped: group('/new', { UpdateReplacePolicy: 'Retain' }) });
  expect(groups().sort()).toEqual(['/except', '/new', '/old', '/retained']);
});

test('deletes what a creation had made before it failed half way', async () => {
  const wrong = { AssumeRolePolicyDocument: {}, Policies: [{ PolicyName: 'p', PolicyDocument: 'no object' }] };
  const table = {
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    TimeToLiveSpecification: { Enabled: 'perhaps', AttributeName: 'gone' },
  };
  const policy = { PolicyName: 'half', PolicyDocument: {}, Roles: [{ Ref: 'Role' }, 'nobody'] };
  const templates: Record<string, object>[] = [
    { Role: { Type: 'AWS::IAM::Role', Properties: wrong } },
    { Table: { Type: 'AWS::DynamoDB::Table', Properties: table } },
    { Managed: { Type: 'AWS::IAM::ManagedPolicy', Properties: { ManagedPolicyName: 'managed', PolicyDocument: {}, Roles: ['nobody'] } } },
  ];
  for (const Resources of templates) {
    const { events, status } = await stacks.create(`Stack${Object.keys(Resources).join('')}`, Resources);
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(events.filter(({ resourceType }) => resourceType !== 'AWS::CloudFormation::Stack').map((event) => event.status))
      .toEqual(['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE']);
  }
  expect([cloud.services.iam.roles(), cloud.services.dynamodb.tables()]).toEqual([[], []]);
  await stacks.create('Roles', { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'kept', AssumeRolePolicyDocument: {} } } });
  const half = { Type: 'AWS::IAM::Policy', Properties: { ...policy, Roles: ['kept', 'nobody'] } };
  expect((await stacks.create('Policies', { Policy: half })).status).toBe('ROLLBACK_COMPLETE');
  expect([...cloud.services.iam.role('kept').policies.keys()]).toEqual([]);
});

test('refuses to replace what keeps its name', async () => {
  await stacks.create('Stack', { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'named', Path: '/a/', AssumeRolePolicyDocument: {} } } });
  const record = await stacks.update('Stack', { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'named', Path: '/b/', AssumeRolePolicyDocument: {} } } });
  expect(record.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(record.events.find(({ status }) => status === 'UPDATE_FAILED')?.reason)
    .toBe('CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename named and update the stack again.');
});

test('finds deleted stacks by their id only, for 90 days, and deletes what is gone without a word', async () => {
  const { id } = await stacks.create('Stack', { Group: group('/one') });
  const deleted = await stacks.delete('Stack');
  expect(deleted).toMatchObject({ status: 'DELETE_COMPLETE', deletedAt: expect.any(Number), resources: [{ logicalId: 'Group', status: 'DELETE_COMPLETE' }] });
  expect(stacks.engine.find('Stack')).toBeUndefined();
  expect(stacks.engine.find(id)?.status).toBe('DELETE_COMPLETE');
  stacks.engine.delete('Stack');
  stacks.engine.delete(id);
  await cloud.clock.advance({ hours: 24 * 91 });
  await stacks.create('Stack', { Group: group('/one') });
  expect(stacks.engine.find(id)).toBeUndefined();
  expect(stacks.engine.list()).toHaveLength(1);
});

test('fails to delete what is protected, and retains on a second try what could not be deleted', async () => {
  await stacks.create('Stack', { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'full' } }, Group: group('/one') });
  stacks.engine.setTerminationProtection('Stack', true);
  expect(() => stacks.engine.delete('Stack')).toThrow('Stack [Stack] cannot be deleted while TerminationProtection is enabled');
  stacks.engine.setTerminationProtection('Stack', false);
  await cloud.services.buckets.put('full', 'x', Buffer.from('x'));
  expect(() => stacks.engine.delete('Stack', { retain: ['Bucket'] })).toThrow('in CREATE_COMPLETE');
  expect(await stacks.delete('Stack')).toMatchObject({ status: 'DELETE_FAILED', statusReason: 'The following resource(s) failed to delete: [Bucket]. ' });
  expect(groups()).toEqual([]);
  expect(() => stacks.engine.delete('Stack', { retain: ['Group'] })).toThrow('RetainResources names [Group]');
  expect((await stacks.delete('Stack', { retain: ['Bucket'] })).status).toBe('DELETE_COMPLETE');
  expect(cloud.services.buckets.hasBucket('full')).toBe(true);
});

test('fails to delete or change an export in use, to export a name twice, and to import what is not there', async () => {
  const exporting = (name: string, more: object = {}) => ({ Outputs: { Out: { Value: { Ref: 'Group' }, Export: { Name: name } }, ...more } });
  await stacks.create('Producer', { Group: group('/one') }, exporting('shared'));
  await stacks.create('Consumer', { Group: group({ 'Fn::Join': ['', [{ 'Fn::ImportValue': 'shared' }, '-consumer']] }) });
  expect(stacks.engine.importers('shared')).toEqual(['Consumer']);
  const changed = await stacks.update('Producer', { Group: group('/two') }, exporting('shared'));
  expect(changed.events.find(({ status }) => status === 'UPDATE_ROLLBACK_IN_PROGRESS')?.reason).toContain('Export shared cannot be updated as it is in use by Consumer');
  expect((await stacks.update('Producer', { Group: group('/one') }, exporting('other'))).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(await stacks.delete('Producer')).toMatchObject({
    status: 'DELETE_FAILED', statusReason: 'Delete canceled. Cannot delete export shared as it is in use by Consumer.',
  });
  const twice = await stacks.create('Twice', { Group: group('/three') }, exporting('shared'));
  expect(twice.events.find(({ status }) => status === 'ROLLBACK_IN_PROGRESS')?.reason).toContain('Export with name shared is already exported by stack Producer.');
  const missing = await stacks.create('Missing', { Group: group({ 'Fn::ImportValue': 'none' }) });
  expect(statusesOf(missing)).toEqual(['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE']);
  expect(missing.events[1].reason).toBe('No export named none found. Rollback requested by user.');
  await stacks.delete('Consumer');
  expect((await stacks.delete('Producer')).status).toBe('DELETE_COMPLETE');
});

test('reserves a name for a change set, creates on it, and lets it be deleted', async () => {
  const reserved = stacks.engine.reserve('Stack', { a: 'b' });
  expect(reserved).toMatchObject({ status: 'REVIEW_IN_PROGRESS', tags: { a: 'b' } });
  expect(stacks.engine.reserve('Stack').id).toBe(reserved.id);
  expect(() => stacks.engine.update({ stackName: 'Stack', templateBody: template({ Group: group() }) })).toThrow('REVIEW_IN_PROGRESS state and can not be updated');
  expect(await stacks.create('Stack', { Group: group() })).toMatchObject({ id: reserved.id, status: 'CREATE_COMPLETE', tags: { a: 'b' } });
  expect(() => stacks.engine.reserve('Stack')).toThrow('Stack [Stack] already exists');
  stacks.engine.reserve('Other');
  expect((await stacks.delete('Other')).status).toBe('DELETE_COMPLETE');
});

test('fails at once for a bad name, a bad template and parameters without a value, and leaves no record', () => {
  const create = (stackName: string, templateBody: string) => () => stacks.engine.create({ stackName, templateBody });
  expect(create('1-x', template({ Group: group() }))).toThrow('Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*');
  expect(create('Stack', '{')).toThrow('Template format error');
  expect(create('Stack', template({ Group: group() }, { Parameters: { A: { Type: 'String' } } }))).toThrow('Parameters: [A] must have values');
  const circle = template({ A: group({ Ref: 'B' }), B: group({ Ref: 'A' }) });
  expect(create('Stack', circle)).toThrow('Circular dependency between resources: [A, B]');
  expect(stacks.engine.list()).toEqual([]);
});

test('answers the parameters of a template', () => {
  const body = template({ Group: group() }, { Description: 'd', Parameters: { A: { Type: 'String', Default: 'x', Description: 'first' }, B: { Type: 'String', NoEcho: 'true' } } });
  expect(stacks.engine.validate(body)).toEqual({
    description: 'd', parameters: [{ key: 'A', defaultValue: 'x', noEcho: false, description: 'first' }, { key: 'B', noEcho: true }],
  });
});

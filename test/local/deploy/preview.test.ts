import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { group, StackCloud, template, thing } from './stack-cloud';

let cloud: TestCloud;
let stacks: StackCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
  stacks = new StackCloud(cloud);
  await stacks.deployHandler();
});

afterAll(() => cloud.stop());

const preview = (stackName: string, resources: Record<string, object>, rest: object = {}) => {
  return stacks.engine.preview({ stackName, templateBody: template(resources, rest) });
};
const role = (properties: object = {}) => ({ Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {}, ...properties } });
const retaining = (days: unknown) => group(undefined, { Properties: { RetentionInDays: days } });

test('adds everything of a stack that is not there, and makes nothing', () => {
  const before = cloud.services.logs.declaredGroups();
  expect(preview('New', { Group: group('/new'), Other: group({ Ref: 'Group' }) })).toEqual([
    { action: 'Add', logicalId: 'Group', type: 'AWS::Logs::LogGroup', properties: [] },
    { action: 'Add', logicalId: 'Other', type: 'AWS::Logs::LogGroup', properties: [] },
  ]);
  expect(cloud.services.logs.declaredGroups()).toEqual(before);
  expect(stacks.engine.find('New')).toBeUndefined();
});

test('tells what is added, changed, replaced and removed, by which properties', async () => {
  await stacks.create('Stack', { Same: group('/same'), Changed: retaining(1), Replaced: group('/one'), Removed: group('/removed'), Policy: group('/policy') });
  const before = JSON.stringify(stacks.stack('Stack'));
  expect(preview('Stack', {
    Same: group('/same'), Changed: retaining(3), Replaced: group('/two'), Added: group('/added'), Policy: group('/policy', { DeletionPolicy: 'Retain' }),
  })).toEqual([
    { action: 'Modify', logicalId: 'Changed', physicalId: expect.stringMatching(/^Stack-Changed/), type: 'AWS::Logs::LogGroup', replacement: 'False', properties: ['RetentionInDays'] },
    { action: 'Modify', logicalId: 'Replaced', physicalId: '/one', type: 'AWS::Logs::LogGroup', replacement: 'True', properties: ['LogGroupName'], replacing: ['LogGroupName'] },
    { action: 'Add', logicalId: 'Added', type: 'AWS::Logs::LogGroup', properties: [] },
    { action: 'Modify', logicalId: 'Policy', physicalId: '/policy', type: 'AWS::Logs::LogGroup', replacement: 'False', properties: [] },
    { action: 'Remove', logicalId: 'Removed', physicalId: '/removed', type: 'AWS::Logs::LogGroup', properties: [] },
  ]);
  expect(preview('Stack', { Same: group('/same'), Changed: retaining(1), Replaced: group('/one'), Removed: group('/removed'), Policy: group('/policy') })).toEqual([]);
  expect(JSON.stringify(stacks.stack('Stack'))).toBe(before);
  await stacks.delete('Stack');
});

test('counts what hangs on a replaced resource as conditional, and so on down the line', async () => {
  const resources = (path: string) => ({
    Role: role({ Path: path }),
    Named: group({ 'Fn::Select': [5, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Role', 'Arn'] }] }] }),
    Last: group({ 'Fn::Sub': '${Named}-last' }),
    Inline: { Type: 'AWS::IAM::Policy', Properties: { PolicyName: 'p', PolicyDocument: {}, Roles: [{ Ref: 'Role' }] } },
    Apart: group('/apart'),
  });
  await stacks.create('Stack', resources('/a/'));
  expect(preview('Stack', resources('/b/')).map(({ logicalId, replacement, properties }) => [logicalId, replacement, properties])).toEqual([
    ['Role', 'True', ['Path']], ['Named', 'Conditional', ['LogGroupName']], ['Last', 'Conditional', ['LogGroupName']], ['Inline', 'False', ['Roles']],
  ]);
  await stacks.delete('Stack');
});

test('counts attributes of a custom resource that is updated as unknown, and asks its function nothing', async () => {
  const resources = (n: number) => ({ Thing: thing({ N: n }), ByAttribute: retaining({ 'Fn::GetAtt': ['Thing', 'N'] }), ById: group({ Ref: 'Thing' }) });
  await stacks.create('Stack', resources(1));
  const asked = stacks.requests().length;
  expect(preview('Stack', resources(2)).map(({ logicalId, replacement }) => [logicalId, replacement])).toEqual([['Thing', 'False'], ['ByAttribute', 'False']]);
  expect(stacks.requests()).toHaveLength(asked);
  await stacks.delete('Stack');
});

test('tells which of the properties take a new resource', async () => {
  const both = (LogGroupName: string, RetentionInDays: number) => (
    group(undefined, { Properties: { LogGroupName, RetentionInDays } })
  );
  await stacks.create('Stack', { Group: both('/a', 1) });
  expect(preview('Stack', { Group: both('/b', 3) })).toMatchObject([
    { replacement: 'True', properties: ['LogGroupName', 'RetentionInDays'], replacing: ['LogGroupName'] },
  ]);
  await stacks.delete('Stack');
});

test('counts another value in the Parameter Store as a change, though the template is the same', async () => {
  const stored = { Parameters: { Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/stored' } } };
  cloud.services.parameters.set('/stored', '/one');
  await stacks.create('Stack', { Group: group({ Ref: 'Stored' }) }, stored);
  expect(preview('Stack', { Group: group({ Ref: 'Stored' }) }, stored)).toEqual([]);
  cloud.services.parameters.set('/stored', '/two');
  expect(preview('Stack', { Group: group({ Ref: 'Stored' }) }, stored)).toMatchObject([{ logicalId: 'Group', replacement: 'True' }]);
  expect((await stacks.update('Stack', { Group: group({ Ref: 'Stored' }) }, stored)).resources).toMatchObject([{ physicalId: '/two' }]);
  await stacks.delete('Stack');
});

test('fails as the operation itself would', () => {
  const importing = group({ 'Fn::Sub': ['${v}', { v: { 'Fn::ImportValue': { 'Fn::Sub': '${AWS::StackName}-none' } } }] });
  expect(() => preview('New', { Group: importing })).toThrow('No export named New-none found');
  const branch = { 'Fn::If': ['Never', { 'Fn::ImportValue': 'none' }, '/here'] };
  const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
  expect(preview('New', { Group: group(branch) }, { Conditions })).toHaveLength(1);
  expect(() => preview('New', { Group: group({ Ref: 'None' }) })).toThrow('Unresolved resource dependencies [None]');
});

import {
  CreateChangeSetCommand, DescribeChangeSetCommand, DescribeEventsCommand, DescribeStackEventsCommand,
  DescribeStackResourcesCommand, DescribeStacksCommand, GetTemplateCommand, GetTemplateSummaryCommand,
  ListChangeSetsCommand, ListExportsCommand, ListStackResourcesCommand, ListStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { bodyOf, CloudFormationFixture } from './cloudformation-fixture';

const fixture = new CloudFormationFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.stop());
afterEach(() => fixture.deleteStacks());

const { create, update, describe: described, settled } = fixture;
const send = fixture.send.bind(fixture);

const value = (Value: unknown, more: object = {}) => ({ Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value }, ...more });
const secret = { Ref: 'Secret' };

/** A secret in every kind of function, some of which cannot work on asterisks. */
const template = (more: object = {}) => ({
  Parameters: {
    Secret: { Type: 'String', NoEcho: true, AllowedPattern: '[a-z-]+' },
    Secrets: { Type: 'CommaDelimitedList', NoEcho: 'true' },
    Plain: { Type: 'String', Default: 'default' },
    Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: 'taken' },
  },
  Mappings: { Map: { 'hush-quiet': { key: 'mapped' } } },
  Conditions: { IsHush: { 'Fn::Equals': [secret, 'hush-quiet'] }, IsNot: { 'Fn::Not': [{ Condition: 'IsHush' }] } },
  Resources: {
    Ref: value(secret),
    Sub: value({ 'Fn::Sub': 'x ${Secret}' }),
    Part: value({ 'Fn::Select': [1, { 'Fn::Split': ['-', secret] }] }),
    List: value({ 'Fn::Join': ['+', { Ref: 'Secrets' }] }),
    Mapped: value({ 'Fn::FindInMap': ['Map', secret, 'key'] }),
    Absent: value('never', { Condition: 'IsNot' }),
    Branch: value({ 'Fn::If': ['IsHush', 'taken branch', { Ref: 'Absent' }] }),
    Seen: value({ Ref: 'Plain' }),
    ...more,
  },
  Outputs: { Plain: { Value: { Ref: 'Plain' }, Export: { Name: 'plain' } } },
});

const Parameters = [{ ParameterKey: 'Secret', ParameterValue: 'hush-quiet' }, { ParameterKey: 'Secrets', ParameterValue: 'hush,quiet' }, { ParameterKey: 'Plain', ParameterValue: 'given' }];
const previous = Parameters.map(({ ParameterKey }) => ({ ParameterKey, UsePreviousValue: true }));

/** Everything that can be read of a stack, and what was told on the way. */
async function everythingOf(StackName: string): Promise<string> {
  const { StackEvents = [] } = await send(new DescribeStackEventsCommand({ StackName }));
  const answers = await Promise.all([
    send(new DescribeStacksCommand({ StackName })), send(new ListStacksCommand({})),
    send(new DescribeEventsCommand({ StackName, OperationId: StackEvents[0].OperationId })),
    send(new DescribeStackResourcesCommand({ StackName })), send(new ListStackResourcesCommand({ StackName })),
    send(new GetTemplateSummaryCommand({ StackName })), send(new ListChangeSetsCommand({ StackName })),
    send(new ListExportsCommand({})),
  ]);
  return JSON.stringify([StackEvents, answers, fixture.cloud.events]);
}

test('a secret parameter works in every function, and is told nowhere', async () => {
  await create('One', template(), { Parameters });
  await settled('One');
  expect(await described('One')).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
  expect(fixture.parameterValues().sort()).toEqual(['given', 'hush+quiet', 'hush-quiet', 'mapped', 'quiet', 'taken branch', 'x hush-quiet'].sort());
  const changed = await send(new CreateChangeSetCommand({ StackName: 'One', ChangeSetName: 'changes', TemplateBody: bodyOf(template({ More: value(secret) })), Parameters: previous }));
  const changeSet = await send(new DescribeChangeSetCommand({ ChangeSetName: changed.Id }));
  await update('One', template({ Bad: { ...value(secret), Properties: { Type: 'String', Name: 'taken', Value: secret } } }), { Parameters: previous });
  await settled('One');
  const told = `${await everythingOf('One')}${JSON.stringify(changeSet)}`;
  expect(told).toContain('UPDATE_ROLLBACK_COMPLETE');
  expect(told).toContain('x ****');
  expect(told).not.toMatch(/hush|quiet/);
  expect((await send(new GetTemplateCommand({ StackName: 'One' }))).TemplateBody).toBe(bodyOf(template()));
});

test('a change set shows every parameter: given, kept, stored and secret', async () => {
  await create('One', template(), { Parameters });
  await settled('One');
  const { Id } = await send(new CreateChangeSetCommand({ StackName: 'One', ChangeSetName: 'changes', TemplateBody: bodyOf(template({ More: value('x') })), Parameters: previous }));
  expect((await send(new DescribeChangeSetCommand({ ChangeSetName: Id }))).Parameters).toEqual([
    { ParameterKey: 'Secret', ParameterValue: '****' }, { ParameterKey: 'Secrets', ParameterValue: '****' }, { ParameterKey: 'Plain', ParameterValue: 'given' },
    { ParameterKey: 'Stored', ParameterValue: 'taken', ResolvedValue: 'by somebody' },
  ]);
});

test('fails without the secret in the words', async () => {
  const wrong = [{ ParameterKey: 'Secret', ParameterValue: 'HUSH' }, ...Parameters.slice(1)];
  const error = await create('One', template(), { Parameters: wrong }).catch((thrown: Error) => thrown) as Error;
  expect(error.message).toBe('Parameter \'Secret\' must match pattern [a-z-]+');
});

import {
  ContinueUpdateRollbackCommand, CreateStackCommand, DeleteStackCommand, DescribeEventsCommand,
  DescribeStackEventsCommand, DescribeStackResourceCommand, DescribeStackResourcesCommand, DescribeStacksCommand,
  GetTemplateCommand, ListExportsCommand, ListHookResultsCommand, ListImportsCommand, ListStacksCommand,
  paginateDescribeStackEvents, paginateListStackResources, RollbackStackCommand, UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudFormationFixture, exporting, importing, namedRole, parameters } from './cloudformation-fixture';

const fixture = new CloudFormationFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.stop());
afterEach(() => fixture.deleteStacks());

const { create, update, describe: described, settled } = fixture;
const send = fixture.send.bind(fixture);

/** Statuses of the stack itself, oldest first. */
async function stackStatuses(StackName: string) {
  const { StackEvents = [] } = await send(new DescribeStackEventsCommand({ StackName }));
  return StackEvents.filter(({ ResourceType }) => ResourceType === 'AWS::CloudFormation::Stack').map(({ ResourceStatus }) => ResourceStatus).reverse();
}

describe('a stack', () => {
  test('is created with its parameters, tags and outputs', async () => {
    const { StackId } = await create('One', exporting('a value'), { Tags: [{ Key: 'team', Value: 'a' }], EnableTerminationProtection: true });
    expect(StackId).toMatch(/^arn:aws:cloudformation:us-east-1:000000000000:stack\/One\/[0-9a-f-]{36}$/);
    await settled('One');

    expect(await described('One')).toMatchObject({
      StackId,
      StackName: 'One',
      StackStatus: 'CREATE_COMPLETE',
      Description: 'exports a value',
      Parameters: [{ ParameterKey: 'Given', ParameterValue: 'a value' }],
      Outputs: [{ OutputKey: 'Out', OutputValue: 'a value', Description: 'what was given', ExportName: 'shared-value' }],
      Tags: [{ Key: 'team', Value: 'a' }],
      EnableTerminationProtection: true,
      DisableRollback: false,
      NotificationARNs: [],
      CreationTime: expect.any(Date),
    });
    expect(await described(StackId ?? '')).toMatchObject({ StackName: 'One' });
    await send(new UpdateTerminationProtectionCommand({ StackName: 'One', EnableTerminationProtection: false }));
  });

  test('is updated in place, and a parameter that is left out has its default again', async () => {
    await create('One', parameters(['A']), { Parameters: [{ ParameterKey: 'Value', ParameterValue: 'first' }] });
    await settled('One');
    await update('One', parameters(['A', 'B']), { Parameters: [{ ParameterKey: 'Value', UsePreviousValue: true }] });
    await settled('One');
    expect(fixture.parameterValues()).toEqual(['first', 'first']);

    await update('One', parameters(['A', 'B']));
    await settled('One');
    expect(fixture.parameterValues()).toEqual(['default', 'default']);
    expect(await described('One')).toMatchObject({ StackStatus: 'UPDATE_COMPLETE', LastUpdatedTime: expect.any(Date) });
  });

  test('is updated with the template that it has', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    await send(new UpdateStackCommand({ StackName: 'One', UsePreviousTemplate: true, Parameters: [{ ParameterKey: 'Value', ParameterValue: 'new' }] }));
    await settled('One');
    expect(fixture.parameterValues()).toEqual(['new']);
  });

  test('keeps its tags over an update that names none, and loses them by an update with none', async () => {
    await create('One', parameters(['A']), { Tags: [{ Key: 'team', Value: 'a' }] });
    await settled('One');
    await update('One', parameters(['B']));
    await settled('One');
    expect(await described('One')).toMatchObject({ Tags: [{ Key: 'team', Value: 'a' }] });
    await update('One', parameters(['C']), { Tags: [] });
    await settled('One');
    expect(await described('One')).toMatchObject({ Tags: [] });
  });

  test('that fails is rolled back, says why, and has to be deleted', async () => {
    await create('Failing', parameters(['A', 'Taken'], { Taken: 'taken' }));
    await settled('Failing');
    expect(await described('Failing')).toMatchObject({ StackStatus: 'ROLLBACK_COMPLETE' });
    expect(fixture.parameterValues()).toEqual([]);
    const { StackEvents = [] } = await send(new DescribeStackEventsCommand({ StackName: 'Failing' }));
    expect(StackEvents.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED')).toMatchObject({
      LogicalResourceId: 'Taken', ResourceType: 'AWS::SSM::Parameter', ResourceStatusReason: expect.stringContaining('taken'),
    });
    await expect(update('Failing', parameters(['A']))).rejects.toMatchObject({
      name: 'ValidationError', message: expect.stringContaining('ROLLBACK_COMPLETE'),
    });
    await send(new DeleteStackCommand({ StackName: 'Failing' }));
    await settled('Failing');
  });

  test('whose update fails is as it was before', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    await update('One', parameters(['A', 'Taken'], { Taken: 'taken' }));
    await settled('One');
    expect(await described('One')).toMatchObject({ StackStatus: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(fixture.parameterValues()).toEqual(['default']);
  });

  test('that is deleted is found by its id only', async () => {
    const { StackId = '' } = await create('One', parameters(['A']));
    await settled('One');
    await send(new DeleteStackCommand({ StackName: 'One' }));
    await settled(StackId);
    await expect(described('One')).rejects.toMatchObject({ name: 'ValidationError', message: 'Stack with id One does not exist' });
    expect(await described(StackId)).toMatchObject({ StackStatus: 'DELETE_COMPLETE', DeletionTime: expect.any(Date) });
    expect(await stackStatuses(StackId)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE']);
    const { StackSummaries } = await send(new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'] }));
    expect(StackSummaries).toContainEqual(expect.objectContaining({ StackId, StackStatus: 'DELETE_COMPLETE' }));
  });

  test('that is not there is deleted already', async () => {
    await send(new DeleteStackCommand({ StackName: 'Nothing' }));
  });

  test('is listed and described among the others, the newest first', async () => {
    await create('One', parameters(['A']));
    await create('Two', parameters(['B']));
    await settled('One');
    await settled('Two');
    const { Stacks } = await send(new DescribeStacksCommand());
    expect(Stacks?.map(({ StackName }) => StackName)).toEqual(['Two', 'One']);
    const { StackSummaries } = await send(new ListStacksCommand({ StackStatusFilter: ['CREATE_COMPLETE'] }));
    expect(StackSummaries?.map(({ StackName }) => StackName)).toEqual(['Two', 'One']);
  });

  test('tells its template as it was sent, carriage returns and all', async () => {
    const body = `${JSON.stringify(parameters(['A']), undefined, 1)} \r\n`;
    await create('One', body);
    await settled('One');
    expect(await send(new GetTemplateCommand({ StackName: 'One' }))).toMatchObject({ TemplateBody: body, StagesAvailable: ['Original', 'Processed'] });
    expect(await send(new GetTemplateCommand({ StackName: 'One', TemplateStage: 'Processed' }))).toMatchObject({ TemplateBody: body });
  });
});

describe('a token of a request', () => {
  test('makes a request that comes again the same request', async () => {
    const first = await create('One', parameters(['A']), { ClientRequestToken: 'once' });
    expect(await create('One', parameters(['A']), { ClientRequestToken: 'once' })).toMatchObject({ StackId: first.StackId });
    await settled('One');
    await expect(create('Two', parameters(['A']), { ClientRequestToken: 'once' })).rejects.toMatchObject({ name: 'TokenAlreadyExistsException' });
  });

  test('of a request that failed can be used again', async () => {
    await expect(create('One', '{}', { ClientRequestToken: 'again' })).rejects.toMatchObject({ name: 'ValidationError' });
    await create('One', parameters(['A']), { ClientRequestToken: 'again' });
    await settled('One');
  });
});

describe('resources', () => {
  test('are told one by one, together, and by what they are outside', async () => {
    const { StackId } = await create('One', parameters(['A', 'B'], { A: 'name-of-a' }));
    await settled('One');
    const a = { LogicalResourceId: 'A', PhysicalResourceId: 'name-of-a', ResourceType: 'AWS::SSM::Parameter', ResourceStatus: 'CREATE_COMPLETE' };
    const { StackResources } = await send(new DescribeStackResourcesCommand({ StackName: 'One' }));
    expect(StackResources).toHaveLength(2);
    expect(StackResources).toContainEqual(expect.objectContaining({ ...a, StackId, StackName: 'One', Timestamp: expect.any(Date) }));
    const one = await send(new DescribeStackResourcesCommand({ PhysicalResourceId: 'name-of-a', LogicalResourceId: 'A' }));
    expect(one.StackResources).toEqual([expect.objectContaining(a)]);
    const { StackResourceDetail } = await send(new DescribeStackResourceCommand({ StackName: 'One', LogicalResourceId: 'A' }));
    expect(StackResourceDetail).toMatchObject({ ...a, StackName: 'One', LastUpdatedTimestamp: expect.any(Date) });
  });

  test('and events come in pages, events the newest first and every one once', async () => {
    await create('Many', parameters(Array.from({ length: 101 }, (_, index) => `P${index}`)));
    await settled('Many');
    const ids: unknown[] = [];
    let pages = 0;
    for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client: fixture.client }, { StackName: 'Many' })) {
      pages += 1;
      ids.push(...StackResourceSummaries.map(({ LogicalResourceId }) => LogicalResourceId));
    }
    expect(pages).toBe(2);
    expect(new Set(ids).size).toBe(101);

    const events: { EventId?: string; Timestamp?: Date; ResourceStatus?: string }[] = [];
    for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client: fixture.client }, { StackName: 'Many' })) events.push(...StackEvents);
    expect(new Set(events.map(({ EventId }) => EventId)).size).toBe(events.length);
    expect(events[0]).toMatchObject({ ResourceStatus: 'CREATE_COMPLETE', LogicalResourceId: 'Many', ResourceType: 'AWS::CloudFormation::Stack' });
    expect(events.at(-1)).toMatchObject({ ResourceStatus: 'CREATE_IN_PROGRESS', LogicalResourceId: 'Many' });
    const times = events.map(({ Timestamp }) => Timestamp?.getTime() ?? 0);
    expect(times).toEqual([...times].sort((x, y) => y - x));
  });
});

test('every operation has an id on its events, and a rollback is one of its own', async () => {
  await create('Failing', parameters(['Taken'], { Taken: 'taken' }));
  await settled('Failing');
  const { StackEvents = [] } = await send(new DescribeStackEventsCommand({ StackName: 'Failing' }));
  const operations = [...new Set(StackEvents.map(({ OperationId }) => OperationId))];
  expect(operations).toHaveLength(2);
  const failed = StackEvents.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
  expect(failed?.OperationId).toBe(operations[1]);

  const { OperationEvents } = await send(new DescribeEventsCommand({ StackName: 'Failing', OperationId: operations[1], Filters: { FailedEvents: true } }));
  expect(OperationEvents).toEqual([expect.objectContaining({ EventType: 'PROVISIONING_ERROR', OperationType: 'CREATE_STACK', LogicalResourceId: 'Taken' })]);
  expect(await send(new ListHookResultsCommand({ TargetType: 'CHANGE_SET', TargetId: 'x' }))).toMatchObject({ HookResults: [] });
});

describe('exports', () => {
  test('are told with who imports them, and keep their stack', async () => {
    const { StackId } = await create('Exporter', exporting('a value'));
    await settled('Exporter');
    await expect(send(new ListImportsCommand({ ExportName: 'shared-value' }))).rejects.toMatchObject({ message: "Export 'shared-value' is not imported by any stack." });
    await create('Importer', importing());
    await settled('Importer');
    expect(fixture.parameterValues()).toContain('imported a value');
    const { Exports } = await send(new ListExportsCommand());
    expect(Exports).toEqual([{ ExportingStackId: StackId, Name: 'shared-value', Value: 'a value' }]);
    expect(await send(new ListImportsCommand({ ExportName: 'shared-value' }))).toMatchObject({ Imports: ['Importer'] });
  });
});

describe('what a template may do has to be consented to', () => {
  test.each([
    ['a role', namedRole({}), 'CAPABILITY_IAM'],
    ['a role with a name', namedRole({ RoleName: 'named' }), 'CAPABILITY_NAMED_IAM'],
  ])('fails on %s', async (_, template, needed) => {
    await expect(create('One', template)).rejects.toMatchObject({
      name: 'InsufficientCapabilitiesException', message: `Requires capabilities : [${needed}]`,
    });
  });

  test('the consent to names is one to roles without', async () => {
    await create('One', namedRole({}), { Capabilities: ['CAPABILITY_NAMED_IAM'] });
    await settled('One');
    expect(await described('One')).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
  });
});

describe('fails on', () => {
  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['a stack that is not there, described', () => described('Nothing'), 'ValidationError', /^Stack with id Nothing does not exist$/],
    ['a stack that is not there, updated', () => update('Nothing', parameters(['A'])), 'ValidationError', /^Stack \[Nothing\] does not exist$/],
    ['events of no stack', () => send(new DescribeStackEventsCommand({ StackName: 'Nothing' })), 'ValidationError', /^Stack \[Nothing\] does not exist$/],
    ['resources of no stack', () => send(new DescribeStackResourcesCommand({ StackName: 'Nothing' })), 'ValidationError', /^Stack with id Nothing does not exist$/],
    ['a resource of no stack', () => send(new DescribeStackResourceCommand({ StackName: 'Nothing', LogicalResourceId: 'A' })), 'ValidationError', /^Stack 'Nothing' does not exist$/],
    ['resources by nothing', () => send(new DescribeStackResourcesCommand({})), 'ValidationError', /StackName or PhysicalResourceId/],
    ['a resource in no stack', () => send(new DescribeStackResourcesCommand({ PhysicalResourceId: 'p' })), 'ValidationError', /^Stack for p does not exist$/],
    ['the template of no stack', () => send(new GetTemplateCommand({ StackName: 'Nothing' })), 'ValidationError', /does not exist/],
    ['the protection of no stack', () => send(new UpdateTerminationProtectionCommand({ StackName: 'Nothing', EnableTerminationProtection: true })), 'ValidationError', /does not exist/],
    ['a name that is none', () => create('one two', parameters(['A'])), 'ValidationError', /'one two' at 'stackName'/],
    ['no template', () => send(new CreateStackCommand({ StackName: 'One' })), 'ValidationError', /Template URL or Template Body must be specified/],
    ['two templates', () => create('One', parameters(['A']), { TemplateURL: 'https://s3.amazonaws.com/b/k' }), 'ValidationError', /Only one of/],
    ['a template that is none', () => create('One', 'Resources: ['), 'ValidationError', /Template format error/],
    ['a template that is too long', () => create('One', `${JSON.stringify(parameters(['A']))}${' '.repeat(51_200)}`), 'ValidationError', /templateBody.*51200/],
    ['a parameter without a value', () => create('One', exporting(undefined)), 'ValidationError', /^Parameters: \[Given\] must have values$/],
    ['a parameter that the template has not', () => create('One', parameters(['A']), { Parameters: [{ ParameterKey: 'X', ParameterValue: 'y' }] }), 'ValidationError', /^Parameters: \[X\] do not exist/],
    ['a previous value of a new stack', () => create('One', parameters(['A']), { Parameters: [{ ParameterKey: 'Value', UsePreviousValue: true }] }), 'ValidationError', /Value.*not in the previous template/],
    ['what is not supported', () => create('One', parameters(['A']), { NotificationARNs: ['arn:aws:sns:us-east-1:000000000000:topic'] }), 'ValidationError', /NotificationARNs.*leave it out/],
    ['an express deployment', () => create('One', parameters(['A']), { DeploymentConfig: { Mode: 'EXPRESS' } }), 'ValidationError', /--express/],
    ['the deletion of what fails', () => create('One', parameters(['A']), { OnFailure: 'DELETE' }), 'ValidationError', /ROLLBACK and DO_NOTHING/],
    ['a page that never was', () => send(new ListStacksCommand({ NextToken: 'x' })), 'ValidationError', /NextToken/],
  ])('%s', async (_, call, name, message) => {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    expect((await send(new ListStacksCommand({ StackStatusFilter: ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE'] }))).StackSummaries).toEqual([]);
  });

  test('a stack that is there already', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    await expect(create('One', parameters(['B']))).rejects.toMatchObject({ name: 'AlreadyExistsException', message: 'Stack [One] already exists' });
  });

  test('an update that changes nothing', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    await expect(update('One', parameters(['A']))).rejects.toMatchObject({ name: 'ValidationError', message: 'No updates are to be performed.' });
  });

  test('the deletion of a protected stack', async () => {
    await create('One', parameters(['A']), { EnableTerminationProtection: true });
    await settled('One');
    await expect(send(new DeleteStackCommand({ StackName: 'One' }))).rejects.toMatchObject({
      name: 'ValidationError', message: expect.stringContaining('TerminationProtection is enabled'),
    });
    await send(new UpdateTerminationProtectionCommand({ StackName: 'One', EnableTerminationProtection: false }));
  });

  test('a resource that the stack has not', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    await expect(send(new DescribeStackResourceCommand({ StackName: 'One', LogicalResourceId: 'B' })))
      .rejects.toMatchObject({ message: 'Resource B does not exist for stack One' });
  });

  test('a rollback by itself', async () => {
    await create('One', parameters(['A']));
    await settled('One');
    for (const command of [new RollbackStackCommand({ StackName: 'One' }), new ContinueUpdateRollbackCommand({ StackName: 'One' })]) {
      await expect(send(command as RollbackStackCommand)).rejects.toMatchObject({
        name: 'ValidationError', message: expect.stringContaining('deploy again, or delete the stack'),
      });
    }
  });
});

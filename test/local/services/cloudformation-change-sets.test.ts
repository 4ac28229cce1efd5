import {
  CreateChangeSetCommand, type CreateChangeSetCommandInput, DeleteChangeSetCommand, DeleteStackCommand,
  DescribeChangeSetCommand, ExecuteChangeSetCommand, GetTemplateCommand, ListChangeSetsCommand,
  paginateDescribeChangeSet,
} from '@aws-sdk/client-cloudformation';
import { bodyOf, CloudFormationFixture, exporting, namedRole, parameters } from './cloudformation-fixture';
import { CloudFormationService } from '../../../local/src/services/cloudformation/cloudformation-service';

const NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set.";

const fixture = new CloudFormationFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.stop());
afterEach(() => fixture.deleteStacks());

const { create, update, describe: described, settled } = fixture;
const send = fixture.send.bind(fixture);

/** On the stack `One`; of the name `changes`, unless the input says otherwise. */
function prepare(template: object | string, more: Partial<CreateChangeSetCommandInput> = {}) {
  return send(new CreateChangeSetCommand({ StackName: 'One', ChangeSetName: 'changes', TemplateBody: bodyOf(template), ...more }));
}

const prepareCreation = (template: object, more: Partial<CreateChangeSetCommandInput> = {}) => prepare(template, { ChangeSetType: 'CREATE', ...more });
const look = (ChangeSetName = 'changes', StackName: string | undefined = 'One') => send(new DescribeChangeSetCommand({ StackName, ChangeSetName }));
const execute = (ChangeSetName = 'changes') => send(new ExecuteChangeSetCommand({ StackName: 'One', ChangeSetName }));
const remove = (ChangeSetName = 'changes') => send(new DeleteChangeSetCommand({ StackName: 'One', ChangeSetName }));

async function createOne(template: object = parameters(['A'], { A: 'name-of-a' })): Promise<void> {
  await create('One', template);
  await settled('One');
}

describe('a change set for a new stack', () => {
  test('shows what it adds, and makes a stack under review that has nothing yet', async () => {
    const { Id, StackId } = await prepareCreation(parameters(['A']), { Description: 'the first', Tags: [{ Key: 'team', Value: 'a' }] });
    expect(Id).toMatch(/^arn:aws:cloudformation:us-east-1:000000000000:changeSet\/changes\/[0-9a-f-]{36}$/);

    expect(await look()).toMatchObject({
      ChangeSetId: Id,
      ChangeSetName: 'changes',
      StackId,
      StackName: 'One',
      Description: 'the first',
      Status: 'CREATE_COMPLETE',
      ExecutionStatus: 'AVAILABLE',
      Parameters: [{ ParameterKey: 'Value', ParameterValue: 'default' }],
      Tags: [{ Key: 'team', Value: 'a' }],
      Changes: [{ Type: 'Resource', ResourceChange: { Action: 'Add', LogicalResourceId: 'A', ResourceType: 'AWS::SSM::Parameter' } }],
      CreationTime: expect.any(Date),
    });
    expect(await described('One')).toMatchObject({ StackId, StackStatus: 'REVIEW_IN_PROGRESS' });
    expect((await send(new GetTemplateCommand({ StackName: 'One' }))).TemplateBody ?? '').toBe('');
    expect(fixture.parameterValues()).toEqual([]);
  });

  test('creates the stack when it is executed, under the same id', async () => {
    const { Id, StackId } = await prepareCreation(parameters(['A']), { Parameters: [{ ParameterKey: 'Value', ParameterValue: 'given' }] });
    await execute();
    await settled('One');
    expect(await described('One')).toMatchObject({ StackId, StackStatus: 'CREATE_COMPLETE' });
    expect(fixture.parameterValues()).toEqual(['given']);
    expect(await look(Id)).toMatchObject({ ExecutionStatus: 'EXECUTE_COMPLETE' });
  });

  test('takes the stack under review with it when that is deleted', async () => {
    const { Id, StackId } = await prepareCreation(parameters(['A']));
    await send(new DeleteStackCommand({ StackName: 'One' }));
    await settled(StackId ?? '');
    await expect(described('One')).rejects.toMatchObject({ message: 'Stack with id One does not exist' });
    await expect(send(new DescribeChangeSetCommand({ ChangeSetName: Id }))).rejects.toMatchObject({ name: 'ChangeSetNotFoundException' });
  });

  test('whose execution fails says so, and the stack says why', async () => {
    const { Id } = await prepareCreation(parameters(['Taken'], { Taken: 'taken' }));
    await execute();
    await settled('One');
    expect(await look(Id)).toMatchObject({ ExecutionStatus: 'EXECUTE_FAILED' });
    expect(await described('One')).toMatchObject({ StackStatus: 'ROLLBACK_COMPLETE' });
  });
});

describe('a change set for a stack', () => {
  test('shows what is added, changed, replaced and removed', async () => {
    await createOne(parameters(['A', 'B', 'C'], { A: 'name-of-a', B: 'name-of-b', C: 'name-of-c' }));
    await prepare({
      Resources: {
        A: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Name: 'name-of-a', Value: 'other' } },
        B: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Name: 'other-name', Value: 'default' } },
        D: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: 'new' } },
      },
    });
    const { Changes = [] } = await look();
    const byId = Object.fromEntries(Changes.map(({ ResourceChange: change }) => [change?.LogicalResourceId, change]));
    const detail = (Name: string, RequiresRecreation: string) => ({
      Target: { Attribute: 'Properties', Name, RequiresRecreation }, Evaluation: 'Static', ChangeSource: 'DirectModification',
    });
    expect(byId).toMatchObject({
      A: { Action: 'Modify', PhysicalResourceId: 'name-of-a', Replacement: 'False', Scope: ['Properties'], Details: [detail('Value', 'Never')] },
      B: { Action: 'Modify', PhysicalResourceId: 'name-of-b', Replacement: 'True', PolicyAction: 'ReplaceAndDelete', Details: [detail('Name', 'Always')] },
      C: { Action: 'Remove', PhysicalResourceId: 'name-of-c' },
      D: { Action: 'Add' },
    });
    expect(byId.D).not.toHaveProperty('Replacement');
  });

  test('changes the stack when it is executed, and the other change sets are gone', async () => {
    await createOne();
    await prepare(parameters(['A'], { A: 'name-of-a' }), { ChangeSetName: 'other', Tags: [{ Key: 'k', Value: 'v' }] });
    await prepare(parameters(['A', 'B'], { A: 'name-of-a' }));
    expect((await send(new ListChangeSetsCommand({ StackName: 'One' }))).Summaries?.map(({ ChangeSetName }) => ChangeSetName)).toEqual(['other', 'changes']);
    await execute();
    await settled('One');
    expect(await described('One')).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
    expect(fixture.parameterValues()).toHaveLength(2);
    await expect(look('other')).rejects.toMatchObject({ name: 'ChangeSetNotFoundException', message: 'ChangeSet [other] does not exist' });
    expect((await send(new ListChangeSetsCommand({ StackName: 'One' }))).Summaries).toEqual([]);
  });

  test('without a change fails with the words by which clients know that', async () => {
    await createOne();
    await prepare(parameters(['A'], { A: 'name-of-a' }));
    expect(await look()).toMatchObject({ Status: 'FAILED', ExecutionStatus: 'UNAVAILABLE', StatusReason: NO_CHANGES, Changes: [] });
    await expect(execute()).rejects.toMatchObject({ name: 'InvalidChangeSetStatusException', message: expect.stringContaining('current status of [FAILED]') });
  });

  test.each<[string, object, Partial<CreateChangeSetCommandInput>]>([
    ['an output', { ...exporting('a value'), Outputs: { Other: { Value: 'x' } } }, {}],
    ['a parameter that only an output shows', exporting('a value'), { Parameters: [{ ParameterKey: 'Given', ParameterValue: 'other' }] }],
    ['a tag', exporting('a value'), { Tags: [{ Key: 'k', Value: 'v' }] }],
  ])('that changes only %s can be executed', async (_, template, more) => {
    const withoutUse = (given: object) => ({ ...given, Resources: { Kept: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: 'fixed' } } } });
    await createOne(withoutUse(exporting('a value')));
    await prepare(withoutUse(template), more);
    expect(await look()).toMatchObject({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE' });
    await execute();
    await settled('One');
    expect(await described('One')).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
  });

  test('is obsolete once the stack was changed otherwise', async () => {
    await createOne();
    await prepare(parameters(['A', 'B'], { A: 'name-of-a' }));
    await fixture.cloud.clock.advance({ seconds: 1 });
    await update('One', parameters(['A', 'C'], { A: 'name-of-a' }));
    await settled('One');
    expect(await look()).toMatchObject({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'OBSOLETE' });
    await expect(execute()).rejects.toMatchObject({ message: expect.stringContaining('current status of [OBSOLETE]') });
  });

  test('is described in pages', async () => {
    await createOne();
    await prepare(parameters(Array.from({ length: 101 }, (_, index) => `P${index}`)));
    const ids: unknown[] = [];
    for await (const { Changes = [] } of paginateDescribeChangeSet({ client: fixture.client }, { StackName: 'One', ChangeSetName: 'changes' })) {
      ids.push(...Changes.map(({ ResourceChange }) => ResourceChange?.LogicalResourceId));
    }
    expect(ids).toHaveLength(102);
    expect(new Set(ids).size).toBe(102);
  });

  test('masks values that are not to be seen', async () => {
    const secret = { ...parameters(['A'], { A: 'name-of-a' }), Parameters: { Value: { Type: 'String', NoEcho: true } } };
    await createOne();
    await prepare(secret, { Parameters: [{ ParameterKey: 'Value', ParameterValue: 'hush' }] });
    const changeSet = await look();
    expect(changeSet.Parameters).toEqual([{ ParameterKey: 'Value', ParameterValue: '****' }]);
    expect(JSON.stringify(changeSet)).not.toContain('hush');
    await execute();
    await settled('One');
    expect(fixture.parameterValues()).toEqual(['hush']);
  });

  test('is made once by a request that comes again', async () => {
    await createOne();
    const first = await prepare(parameters(['B']), { ClientToken: 'once' });
    expect(await prepare(parameters(['B']), { ClientToken: 'once' })).toMatchObject({ Id: first.Id });
    expect((await send(new ListChangeSetsCommand({ StackName: 'One' }))).Summaries).toHaveLength(1);
  });

  test('is gone after it is deleted, and deleting it again is no error', async () => {
    await createOne();
    const { Id = '' } = await prepare(parameters(['B']));
    await remove(Id);
    await remove(Id);
    await remove();
    await expect(look(Id)).rejects.toMatchObject({ name: 'ChangeSetNotFoundException' });
  });
});

describe('fails on', () => {
  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['an update of a stack that is not there', () => prepare(parameters(['A'])), 'ValidationError', /^Stack \[One\] does not exist$/],
    ['a role without consent', () => prepareCreation(namedRole({ RoleName: 'n' })), 'InsufficientCapabilitiesException', /CAPABILITY_NAMED_IAM/],
    ['a name that is none', () => prepareCreation(parameters(['A']), { ChangeSetName: '1' }), 'ValidationError', /'1' at 'changeSetName'/],
    ['an import', () => prepare(parameters(['A']), { ChangeSetType: 'IMPORT' }), 'ValidationError', /IMPORT.*CREATE and UPDATE/],
    ['a template that is none', () => prepareCreation({}), 'ValidationError', /Template format error/],
    ['a missing value', () => prepareCreation(exporting(undefined)), 'ValidationError', /\[Given\] must have values/],
    ['a value that is not allowed', () => prepareCreation({ ...parameters(['A']), Parameters: { Value: { Type: 'String', Default: 'x', AllowedValues: ['y'] } } }), 'ValidationError', /Value.*AllowedValues/],
    ['a deployment that reverts drift', () => prepareCreation(parameters(['A']), { DeploymentMode: 'REVERT_DRIFT' }), 'ValidationError', /DeploymentMode/],
    ['the change sets of no stack', () => send(new ListChangeSetsCommand({ StackName: 'One' })), 'ValidationError', /^Stack \[One\] does not exist$/],
    ['a change set of no stack', () => look(), 'ValidationError', /^Stack \[One\] does not exist$/],
    ['a change set without its stack', () => send(new DescribeChangeSetCommand({ ChangeSetName: 'changes' })), 'ValidationError', /StackName must be specified/],
  ])('%s, and leaves no stack', async (_, call, name, message) => {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    await expect(described('One')).rejects.toMatchObject({ message: 'Stack with id One does not exist' });
  });

  test('a creation of a stack that is there', async () => {
    await createOne();
    await expect(prepareCreation(parameters(['A']))).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('already exists') });
  });

  test('another type for a resource', async () => {
    await createOne();
    await expect(prepare({ Resources: { A: { Type: 'AWS::Logs::LogGroup' } } })).rejects.toMatchObject({
      name: 'ValidationError', message: 'Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]',
    });
  });

  test('a stack whose state does not allow an update', async () => {
    const { StackId } = await create('One', parameters(['Taken'], { Taken: 'taken' }));
    await settled('One');
    await expect(prepare(parameters(['A']))).rejects.toMatchObject({ name: 'ValidationError', message: `Stack:${StackId} is in ROLLBACK_COMPLETE state and can not be updated.` });
  });

  test('a second change set of the name', async () => {
    await createOne();
    await prepare(parameters(['B']));
    await expect(prepare(parameters(['C']))).rejects.toMatchObject({ name: 'AlreadyExistsException' });
  });

  test('the creation of a stack under review without its change set', async () => {
    await prepareCreation(parameters(['A']));
    await expect(create('One', parameters(['A']))).rejects.toMatchObject({ name: 'AlreadyExistsException' });
  });

  test('an execution of what was executed', async () => {
    await createOne();
    await prepare(parameters(['B']));
    await execute();
    await settled('One');
    await expect(execute()).rejects.toMatchObject({ name: 'InvalidChangeSetStatusException', message: expect.stringContaining('EXECUTE_COMPLETE') });
  });
});

test('change sets come back as they were saved; one that was under way has failed', async () => {
  await createOne();
  const { Id } = await prepare(parameters(['B']));
  const saved = JSON.parse(JSON.stringify(fixture.cloud.cloudFormation.save())) as { changeSets: object[] };
  saved.changeSets.push({ ...saved.changeSets.at(-1), id: 'arn:other', name: 'other', execution: 'EXECUTE_IN_PROGRESS' });
  const { clock, account, region, deployer: { engine }, services: { buckets: objects } } = fixture.cloud;
  const restored = new CloudFormationService({ engine, objects, clock, account, region });
  restored.restore(saved);
  const answer = async (body: string) => {
    const request = { method: 'POST', path: '/', query: new URLSearchParams(), headers: {}, body: Buffer.from(body), accessKeyId: '' };
    return String((await restored.handle(request)).body);
  };
  expect(await answer(`Action=DescribeChangeSet&ChangeSetName=${Id}`)).toContain('<ExecutionStatus>AVAILABLE</ExecutionStatus>');
  expect(await answer('Action=DescribeChangeSet&ChangeSetName=arn:other')).toContain('<ExecutionStatus>EXECUTE_FAILED</ExecutionStatus>');
});

import { takeInventory } from '../../../local/src/inventory';
import { NOTHING_LEFT } from '../nothing-left';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { StackCloud } from './stack-cloud';

let cloud: TestCloud;
let stacks: StackCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
  stacks = new StackCloud(cloud);
});

afterAll(() => cloud.stop());

const resource = (Type: string, Properties: object) => ({ Type, Properties });
const role = { 'Fn::GetAtt': ['Role', 'Arn'] };
const handler = { Ref: 'Function' };
const table = (key: string) => ({ KeySchema: [{ AttributeName: key, KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }] });

/** One of each type. `id` is in a property that takes a new resource, `detail` in one that does not. */
const each = (id: string, detail: number) => ({
  Role: resource('AWS::IAM::Role', { AssumeRolePolicyDocument: {}, Path: `/${id}/`, Policies: [{ PolicyName: `p${detail}`, PolicyDocument: {} }] }),
  Managed: resource('AWS::IAM::ManagedPolicy', { PolicyDocument: { Id: String(detail) }, Description: id }),
  Profile: resource('AWS::IAM::InstanceProfile', { InstanceProfileName: id, Roles: [{ Ref: 'Role' }] }),
  Table: resource('AWS::DynamoDB::Table', { ...table(id), TimeToLiveSpecification: { Enabled: detail === 2, AttributeName: 'gone' } }),
  Global: resource('AWS::DynamoDB::GlobalTable', { ...table(id), TimeToLiveSpecification: { Enabled: detail === 2, AttributeName: 'gone' } }),
  Function: resource('AWS::Lambda::Function', {
    FunctionName: `function-${id}`, MemorySize: detail * 128, Role: role, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: 'exports.handler = async () => 1;' },
  }),
  Permission: resource('AWS::Lambda::Permission', { FunctionName: handler, Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com' }),
  Retries: resource('AWS::Lambda::EventInvokeConfig', { FunctionName: handler, Qualifier: '$LATEST', MaximumRetryAttempts: detail }),
  Version: resource('AWS::Lambda::Version', { FunctionName: handler }),
  Alias: resource('AWS::Lambda::Alias', { FunctionName: handler, Name: id, FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] }, Description: String(detail) }),
  Connector: resource('AWS::Lambda::NetworkConnector', {
    Name: id,
    OperatorRole: role,
    Configuration: {
      VpcEgressConfiguration: {
        SubnetIds: ['subnet-0123456789abcdef0'],
        SecurityGroupIds: [`sg-0123456789abcdef${detail}`],
        NetworkProtocol: 'IPv4',
        AssociatedComputeResourceTypes: ['MicroVm'],
      },
    },
  }),
  Logs: resource('AWS::Logs::LogGroup', { LogGroupName: `/${id}`, RetentionInDays: 2 * detail - 1 }),
  Bucket: resource('AWS::S3::Bucket', { BucketName: `bucket-${id}`, Tags: [{ Key: 'detail', Value: String(detail) }] }),
  BucketPolicy: resource('AWS::S3::BucketPolicy', { Bucket: { Ref: 'Bucket' }, PolicyDocument: { Version: '2012-10-17', Id: String(detail), Statement: [] } }),
  Parameter: resource('AWS::SSM::Parameter', { Type: 'String', Name: id, Value: String(detail) }),
  Machine: resource('AWS::StepFunctions::StateMachine', {
    StateMachineName: id, RoleArn: role, DefinitionString: JSON.stringify({ StartAt: `S${detail}`, States: { [`S${detail}`]: { Type: 'Succeed' } } }),
  }),
  Rule: resource('AWS::Events::Rule', { Name: id, ScheduleExpression: `rate(${detail + 1} hours)` }),
  Repository: resource('AWS::ECR::Repository', { RepositoryName: id, EmptyOnDelete: detail === 2 }),
  Key: resource('AWS::KMS::Key', { Origin: id, Description: String(detail) }),
  KeyAlias: resource('AWS::KMS::Alias', { AliasName: `alias/${id}`, TargetKeyId: String(detail) }),
});

/** What has no property that can change in place. */
const FIXED = ['Permission', 'Profile', 'Version'];
const ids = () => Object.fromEntries(stacks.stack('Stack').resources.map(({ logicalId, physicalId }) => [logicalId, physicalId]));
const inventory = () => takeInventory(cloud.services, cloud.deployer, { images: [], microvms: [] });

test('changes resources of each type in place, or replaces them, where CloudFormation would', async () => {
  const names = Object.keys(each('one', 1));
  expect((await stacks.create('Stack', each('one', 1))).status).toBe('CREATE_COMPLETE');
  const first = ids();
  expect(Object.keys(first).sort()).toEqual([...names].sort());

  const inPlace = await stacks.update('Stack', each('one', 2));
  expect(inPlace.status).toBe('UPDATE_COMPLETE');
  expect(ids()).toEqual(first);
  expect(inPlace.events.filter(({ status, resourceType }) => status === 'UPDATE_COMPLETE' && resourceType !== 'AWS::CloudFormation::Stack').map(({ logicalId }) => logicalId).sort())
    .toEqual(names.filter((name) => !FIXED.includes(name)).sort());
  expect(inPlace.events.filter(({ status }) => status.startsWith('DELETE'))).toEqual([]);

  const replaced = await stacks.update('Stack', each('two', 2));
  expect(replaced.status).toBe('UPDATE_COMPLETE');
  const second = ids();
  expect(names.filter((name) => second[name] === first[name])).toEqual([]);
  const deleted = replaced.events.filter(({ status }) => status === 'DELETE_COMPLETE').map(({ logicalId, physicalId }) => [logicalId, physicalId]);
  expect(Object.fromEntries(deleted)).toEqual(first);
  expect(inventory()).toMatchObject({ functions: ['function-two'], buckets: { 'bucket-two': [] }, logGroups: ['/two'] });

  await stacks.delete('Stack');
  expect(inventory()).toEqual(NOTHING_LEFT);
});

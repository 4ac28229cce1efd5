import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Aws, CfnCondition, CfnOutput, CfnResource, Duration, Fn, RemovalPolicy, Stack, Stage,
} from 'aws-cdk-lib';
import { AttributeType, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { IpAddresses, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { filesBelow, zipEntries } from '../../../local/src/deploy/zip';
import { takeInventory } from '../../../local/src/inventory';
import { NOTHING_LEFT } from '../nothing-left';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { inlineFunction, removeAssemblies, synthesize, synthesizeApp } from './synthesized';

let cloud: TestCloud;

beforeEach(async () => {
  cloud = await startTestCloud();
});

afterEach(async () => {
  await cloud.stop();
  removeAssemblies();
});

const inventory = () => takeInventory(cloud.services, cloud.deployer, { images: [], microvms: [] });

async function deploy(build: (stack: Stack) => void) {
  const [stack] = await cloud.deployer.deploy(synthesize(build));
  return stack;
}

async function invoke(name: string, payload: unknown = {}): Promise<unknown> {
  return JSON.parse((await cloud.services.lambda.invoke(name, JSON.stringify(payload))).payload);
}

const warnings = () => cloud.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
const statuses = (logicalId: RegExp) => cloud.events.flatMap((event) => (event.kind === 'resource' && logicalId.test(event.logicalId) ? [event.status] : []));

test('deploys a function from an asset with its role, bucket, table and log group, and deletes all of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'handler-'));
  writeFileSync(join(folder, 'index.js'), `
    const { S3 } = require('@aws-sdk/client-s3');
    exports.handler = async ({ body }) => {
      await new S3({}).putObject({ Bucket: process.env.BUCKET, Key: 'made', Body: body });
      return process.env.TABLE;
    };`);
  const stack = await deploy((scope) => {
    const bucket = new Bucket(scope, 'Bucket', { removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: true });
    const table = new TableV2(scope, 'Table', {
      partitionKey: { name: 'kind', type: AttributeType.STRING },
      sortKey: { name: 'id', type: AttributeType.STRING },
      timeToLiveAttribute: 'removeAfter',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const handler = new LambdaFunction(scope, 'Handler', {
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromAsset(folder),
      timeout: Duration.seconds(20),
      environment: { BUCKET: bucket.bucketName, TABLE: table.tableName },
      logGroup: new LogGroup(scope, 'Logs', { removalPolicy: RemovalPolicy.DESTROY }),
    });
    bucket.grantReadWrite(handler);
    new CfnOutput(scope, 'FunctionName', { value: handler.functionName });
    new CfnOutput(scope, 'BucketName', { value: bucket.bucketName });
  });
  rmSync(folder, { recursive: true });

  const { FunctionName, BucketName } = stack.outputs;
  expect(FunctionName).toMatch(/^Test-Handler[0-9A-F]{8}-[0-9a-f]{12}$/);
  expect(await invoke(FunctionName, { body: 'x' })).toMatch(/^Test-Table/);
  expect(inventory().buckets[BucketName]).toEqual(['made']);
  expect(stack.resources.map(({ type }) => type)).toEqual(expect.arrayContaining(['AWS::Lambda::Function', 'AWS::DynamoDB::GlobalTable', 'AWS::IAM::Policy']));
  const { policies } = cloud.services.iam.role(inventory().roles.find((name) => name.includes('HandlerServiceRole')) ?? '');
  expect(JSON.stringify([...policies.values()])).toContain(`arn:aws:s3:::${BucketName}`);

  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual(NOTHING_LEFT);
  expect(warnings()).toEqual([]);
});

test('does one deployment of a stack after the other, however many ask at once', async () => {
  const group = (name: string) => synthesize((stack) => {
    new LogGroup(stack, 'Group', { logGroupName: name, removalPolicy: RemovalPolicy.DESTROY });
  });
  const { deployer } = cloud;
  const both = await Promise.all([deployer.deploy(group('/a')), deployer.deploy(group('/b')), deployer.deploy(group('/c'))]);
  expect(both.map(([{ resources }]) => resources[0].logicalId)).toHaveLength(3);
  expect(['/a', '/b', '/c']).toEqual(expect.arrayContaining(cloud.services.logs.declaredGroups()));
  expect(cloud.services.logs.declaredGroups()).toHaveLength(1);
});

test('tells what happens to each resource and to the stack', async () => {
  await deploy((scope) => void new LogGroup(scope, 'Logs'));
  expect(cloud.events).toEqual([
    { kind: 'stack', stackName: 'Test', status: 'CREATE_IN_PROGRESS' },
    expect.objectContaining({ kind: 'resource', type: 'AWS::Logs::LogGroup', logicalId: expect.stringMatching(/^Logs/), status: 'CREATE_IN_PROGRESS' }),
    expect.objectContaining({ kind: 'resource', status: 'CREATE_COMPLETE', durationMs: expect.any(Number), physicalId: expect.stringMatching(/^Test-Logs/) }),
    expect.objectContaining({ kind: 'stack', status: 'CREATE_COMPLETE', durationMs: expect.any(Number) }),
  ]);
});

test('changes in place what changed, replaces what cannot be changed, and leaves the rest alone', async () => {
  const build = (answer: string, name: string) => (scope: Stack) => {
    const bucket = new Bucket(scope, 'Bucket', { bucketName: name, removalPolicy: RemovalPolicy.DESTROY });
    const handler = inlineFunction(scope, 'Handler', `exports.handler = async () => '${answer} ' + process.env.BUCKET`, { environment: { BUCKET: bucket.bucketName } });
    new LogGroup(scope, 'Untouched');
    new CfnOutput(scope, 'Name', { value: handler.functionName });
  };
  const first = await deploy(build('one', 'first-bucket'));
  expect(await invoke(first.outputs.Name)).toBe('one first-bucket');
  cloud.events.length = 0;
  const second = await deploy(build('two', 'second-bucket'));
  expect(second.outputs).toEqual(first.outputs);
  expect(await invoke(second.outputs.Name)).toBe('two second-bucket');
  expect(Object.keys(inventory().buckets)).toEqual(['second-bucket']);
  expect(statuses(/^Bucket/)).toEqual(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE']);
  expect(statuses(/^Handler.*(?<!Role.*)$/)).toContain('UPDATE_COMPLETE');
  expect(statuses(/^Untouched|Role/)).toEqual([]);
});

test('deletes what the template has no longer, except what is to be retained', async () => {
  await deploy((scope) => {
    new LogGroup(scope, 'Kept', { logGroupName: '/kept' });
    new LogGroup(scope, 'Gone', { logGroupName: '/gone', removalPolicy: RemovalPolicy.DESTROY });
    new LogGroup(scope, 'Stays', { logGroupName: '/stays' });
  });
  await deploy((scope) => void new LogGroup(scope, 'Stays', { logGroupName: '/stays' }));
  expect([...inventory().logGroups].sort()).toEqual(['/kept', '/stays']);
  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual({ ...NOTHING_LEFT, logGroups: ['/kept', '/stays'] });
});

test('fails a deployment with the resource and its reason, after everything was deleted again', async () => {
  cloud.services.buckets.createBucket('taken');
  const deployment = deploy((scope) => {
    const group = new LogGroup(scope, 'Group');
    new Bucket(scope, 'Bucket', { bucketName: 'taken', removalPolicy: RemovalPolicy.DESTROY }).node.addDependency(group);
  });
  await expect(deployment).rejects.toMatchObject({
    name: 'DeployError',
    stackName: 'Test',
    logicalId: expect.stringMatching(/^Bucket/),
    resourceType: 'AWS::S3::Bucket',
    reason: expect.stringContaining('already own it'),
  });
  // A log group is retained by default, as on AWS.
  expect(inventory()).toEqual({ ...NOTHING_LEFT, buckets: { taken: [] }, logGroups: [expect.stringMatching(/^Test-Group/)] });
});

test('fails an update back to the properties from before', async () => {
  const build = (answer: string, more: (scope: Stack) => void = () => undefined) => (scope: Stack) => {
    const handler = inlineFunction(scope, 'Handler', `exports.handler = async () => '${answer}'`);
    new CfnOutput(scope, 'Name', { value: handler.functionName });
    more(scope);
  };
  const { outputs } = await deploy(build('one'));
  const before = inventory();
  cloud.services.buckets.createBucket('taken');
  await expect(deploy(build('two', (scope) => {
    const role = new Role(scope, 'NewRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const bucket = new Bucket(scope, 'Bucket', { bucketName: 'taken', removalPolicy: RemovalPolicy.DESTROY });
    bucket.node.addDependency(role, scope.node.findChild('Handler'));
  }))).rejects.toThrow('Bucket');
  expect(await invoke(outputs.Name)).toBe('one');
  expect({ ...inventory(), functionProcesses: 0 }).toEqual({ ...before, buckets: { taken: [] } });
});

test('keeps what it could not delete, so that destroying again goes on', async () => {
  const { outputs } = await deploy((scope) => {
    const bucket = new Bucket(scope, 'Bucket', { removalPolicy: RemovalPolicy.DESTROY });
    new CfnOutput(scope, 'Name', { value: bucket.bucketName });
  });
  await cloud.services.buckets.put(outputs.Name, 'left', Buffer.from('x'));
  await expect(cloud.deployer.destroy('Test')).rejects.toThrow('not empty');
  expect(inventory().stacks).toEqual(['Test']);
  await cloud.services.buckets.delete(outputs.Name, 'left');
  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual(NOTHING_LEFT);
});

test('warns once of a type that it does not know, and lets the template go on with a stand-in', async () => {
  const build = (scope: Stack) => {
    const unknown = new CfnResource(scope, 'Odd', { type: 'AWS::Odd::Thing', properties: { A: 1 } });
    new CfnResource(scope, 'Odder', { type: 'AWS::Odd::Thing' });
    new CfnOutput(scope, 'Arn', { value: unknown.getAtt('Arn').toString() });
    new CfnOutput(scope, 'Ref', { value: unknown.ref });
  };
  const { outputs } = await deploy(build);
  expect(outputs.Ref).toMatch(/^Test-Odd-/);
  expect(outputs.Arn).toBe(`arn:aws:odd:us-east-1:000000000000:${outputs.Ref}`);
  expect(warnings()).toEqual([expect.stringContaining('AWS::Odd::Thing')]);
});

test('gives a network its ids without a warning', async () => {
  const { outputs } = await deploy((scope) => {
    const vpc = new Vpc(scope, 'Vpc', { ipAddresses: IpAddresses.cidr('10.0.0.0/16'), maxAzs: 2, natGateways: 1 });
    const group = new SecurityGroup(scope, 'Group', { vpc });
    const SubnetIds = vpc.privateSubnets.map(({ subnetId }) => subnetId);
    const connector = new CfnResource(scope, 'Connector', {
      type: 'AWS::Lambda::NetworkConnector',
      properties: {
        OperatorRole: new Role(scope, 'Operator', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }).roleArn,
        Configuration: {
          VpcEgressConfiguration: {
            SubnetIds, SecurityGroupIds: [group.securityGroupId], NetworkProtocol: 'IPv4', AssociatedComputeResourceTypes: ['MicroVm'],
          },
        },
      },
    });
    new CfnOutput(scope, 'Vpc1', { value: vpc.vpcId });
    new CfnOutput(scope, 'Group1', { value: group.securityGroupId });
    new CfnOutput(scope, 'Arn', { value: connector.getAtt('Arn').toString() });
  });
  expect(outputs.Vpc1).toMatch(/^vpc-[0-9a-f]{17}$/);
  expect(outputs.Group1).toMatch(/^sg-[0-9a-f]{17}$/);
  expect(outputs.Arn).toMatch(/^arn:aws:lambda:us-east-1:000000000000:network-connector:nc-[0-9a-f-]{36}$/);
  expect(warnings()).toEqual([]);
  await cloud.deployer.destroy('Test');
});

test('fires a schedule when the clock is moved, and no more once the stack is deleted', async () => {
  const { outputs } = await deploy((scope) => {
    const handler = inlineFunction(scope, 'Keeper', 'exports.handler = async ({ source, time }) => console.log(source, time, new Date().toISOString())');
    new Rule(scope, 'Rule', { schedule: Schedule.rate(Duration.minutes(1)), targets: [new LambdaTarget(handler)] });
    new CfnOutput(scope, 'Name', { value: handler.functionName });
  });
  await cloud.clock.advance({ minutes: 3, seconds: 1 });
  const lines = cloud.services.logs.messages(`/aws/lambda/${outputs.Name}`).map((line) => line.split(' '));
  expect(lines).toHaveLength(3);
  for (const [source, time, now] of lines) {
    expect(source).toBe('aws.events');
    expect(Math.abs(Date.parse(time) - Date.parse(now))).toBeLessThan(10_000);
  }
  await cloud.deployer.destroy('Test');
  await cloud.clock.advance({ minutes: 3 });
  expect(lines).toHaveLength(3);
  expect(inventory()).toEqual(NOTHING_LEFT);
});

test('hands parts of the event to a rule\'s target', async () => {
  const { outputs } = await deploy((scope) => {
    const handler = inlineFunction(scope, 'Rebuild', 'exports.handler = async (event) => console.log(JSON.stringify(event))');
    const event = RuleTargetInput.fromObject({ image: 'one', eventId: EventField.eventId, at: `it is ${EventField.time}` });
    new Rule(scope, 'Rule', { schedule: Schedule.rate(Duration.days(1)), targets: [new LambdaTarget(handler, { event })] });
    new CfnOutput(scope, 'Name', { value: handler.functionName });
  });
  await cloud.clock.advance({ hours: 48, seconds: 1 });
  const events = cloud.services.logs.messages(`/aws/lambda/${outputs.Name}`).map((line) => JSON.parse(line) as { eventId: string });
  expect(events).toEqual(Array(2).fill({ image: 'one', eventId: expect.stringMatching(/^[0-9a-f-]{36}$/), at: expect.stringMatching(/^it is \d{4}-\d\d-\d\dT/) }));
  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(2);
  await cloud.deployer.destroy('Test');
});

test('evaluates the functions of a template', async () => {
  const { outputs } = await deploy((scope) => {
    const yes = new CfnCondition(scope, 'Yes', { expression: Fn.conditionAnd(Fn.conditionEquals('1', 1), Fn.conditionNot(Fn.conditionEquals(Aws.REGION, 'x'))) });
    const no = new CfnCondition(scope, 'No', { expression: Fn.conditionOr(Fn.conditionEquals('a', 'b'), Fn.conditionNot(yes)) });
    new CfnResource(scope, 'Absent', { type: 'AWS::S3::Bucket' }).cfnOptions.condition = no;
    const output = (id: string, value: string) => new CfnOutput(scope, id, { value });
    output('If', Fn.conditionIf('Yes', 'then', Fn.ref('Absent')).toString());
    output('NoValue', Fn.join('-', [Fn.select(1, Fn.split(',', 'a,b,c')), Fn.base64('x')]));
    output('Sub', Fn.sub('${A}.${AWS::Region}.${!literal}', { A: Fn.importValue('none').length ? 'a' : '' }));
    output('Cidr', Fn.select(1, Fn.cidr('10.0.0.0/16', 2, '8')));
    output('Zones', Fn.join(',', Fn.getAzs()));
    new CfnOutput(scope, 'Never', { value: 'x', condition: no });
  });
  expect(outputs).toEqual({
    If: 'then', NoValue: 'b-eA==', Sub: 'a.us-east-1.${literal}', Cidr: '10.0.1.0/24', Zones: 'us-east-1a,us-east-1b,us-east-1c',
  });
});

test('hands values from stack to stack, and fails to delete the one that is imported from', async () => {
  const assembly = synthesizeApp((app) => {
    const stage = new Stage(app, 'Stage');
    const producer = new Stack(stage, 'Producer');
    const consumer = new Stack(stage, 'Consumer');
    const group = new LogGroup(producer, 'Group', { removalPolicy: RemovalPolicy.DESTROY });
    new LogGroup(consumer, 'Own', { removalPolicy: RemovalPolicy.DESTROY });
    new CfnOutput(consumer, 'Name', { value: group.logGroupName });
  });
  const stacks = await cloud.deployer.deploy(assembly, ['Stage/Consumer']);
  expect(stacks.map(({ stackName }) => stackName)).toEqual(['Stage-Producer', 'Stage-Consumer']);
  expect(stacks[1].outputs.Name).toBe(inventory().logGroups.find((name) => name.includes('Producer')));
  await expect(cloud.deployer.destroy('Stage-Producer')).rejects.toThrow(/Cannot delete export .* as it is in use by Stage-Consumer/);
  await cloud.deployer.destroy('Stage-Consumer');
  await cloud.deployer.destroy('Stage-Producer');
  expect(inventory()).toEqual(NOTHING_LEFT);
});

test('keeps policies on the roles that they belong to', async () => {
  const build = (...actions: string[]) => (scope: Stack) => {
    const role = new Role(scope, 'Role', { roleName: 'worker', assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    for (const action of actions) role.addToPolicy(new PolicyStatement({ actions: [action], resources: ['*'] }));
    new ManagedPolicy(scope, 'Managed', { roles: [role], statements: [new PolicyStatement({ actions: ['s3:Get*'], resources: ['*'] })] });
  };
  await deploy(build('a:One'));
  const role = () => cloud.services.iam.role('worker');
  expect(JSON.stringify([...role().policies.values()])).toContain('a:One');
  expect([...role().managedPolicyArns]).toEqual(inventory().managedPolicies);
  await deploy(build());
  expect(role().policies.size).toBe(0);
  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual(NOTHING_LEFT);
});

test('gives a table another index and keeps its items', async () => {
  const build = (indexName?: string) => (scope: Stack) => {
    const table = new Table(scope, 'Table', { partitionKey: { name: 'id', type: AttributeType.STRING }, removalPolicy: RemovalPolicy.DESTROY });
    if (indexName) table.addGlobalSecondaryIndex({ indexName, partitionKey: { name: 'n', type: AttributeType.NUMBER } });
    new CfnOutput(scope, 'Name', { value: table.tableName });
  };
  const { outputs: { Name: TableName } } = await deploy(build());
  await cloud.services.dynamodb.call('PutItem', { TableName, Item: { id: { S: 'x' }, n: { N: '1' } } });
  await deploy(build('by-n'));
  const query = { TableName, IndexName: 'by-n', KeyConditionExpression: 'n = :n', ExpressionAttributeValues: { ':n': { N: '1' } } };
  expect(await cloud.services.dynamodb.call('Query', query)).toMatchObject({ Count: 1 });
  await expect(deploy(build('n'))).rejects.toThrow('more than one GSI creation or deletion');
  expect(await cloud.services.dynamodb.call('Query', query)).toMatchObject({ Count: 1 });
});

test('fails before anything is made: no assembly, no such stack, another account, a circle, an unknown parameter', async () => {
  await expect(cloud.deployer.deploy('/nowhere')).rejects.toThrow('"/nowhere" is no cloud assembly');
  const simple = synthesize((scope) => void new LogGroup(scope, 'Group'));
  await expect(cloud.deployer.deploy(simple, ['Nope'])).rejects.toThrow('no stack "Nope"; it has Test');
  const elsewhere = synthesizeApp((app) => void new Stack(app, 'Else', { env: { account: '123456789012', region: 'us-east-1' } }));
  await expect(cloud.deployer.deploy(elsewhere)).rejects.toThrow('aws://123456789012/us-east-1');
  const circle = (scope: Stack) => {
    const one = new CfnResource(scope, 'One', { type: 'AWS::Logs::LogGroup', properties: { LogGroupName: Fn.ref('Two') } });
    new CfnResource(scope, 'Two', { type: 'AWS::Logs::LogGroup', properties: { LogGroupName: one.ref } });
  };
  await expect(deploy(circle)).rejects.toThrow('Circular dependency');
  await expect(deploy((scope) => void new LogGroup(scope, 'Group', { logGroupName: Fn.importValue('none'), removalPolicy: RemovalPolicy.DESTROY }))).rejects.toThrow('No export named none');
  await expect(cloud.deployer.destroy('Nope')).rejects.toThrow('no such stack');
  expect(inventory()).toEqual(NOTHING_LEFT);
});

test('fails for a function with a reserved variable, and for a role that is not there', async () => {
  await expect(deploy((scope) => void new CfnResource(scope, 'Fn', {
    type: 'AWS::Lambda::Function',
    properties: { Role: 'arn:aws:iam::000000000000:role/none', Code: { ZipFile: '' }, Runtime: 'nodejs22.x', Handler: 'index.handler' },
  }))).rejects.toThrow('no role "none"');
  await expect(deploy((scope) => void new CfnResource(scope, 'Fn', {
    type: 'AWS::Lambda::Function',
    properties: { Role: 'arn:aws:iam::1:role/other', Code: { ZipFile: '' }, Environment: { Variables: { AWS_REGION: 'x' } } },
  }))).rejects.toThrow('reserved keys AWS_REGION');
});

test('publishes the same bytes for the same files, with their modes', async () => {
  const one = mkdtempSync(join(tmpdir(), 'zip-'));
  writeFileSync(join(one, 'run'), '#!/bin/sh', { mode: 0o755 });
  const two = mkdtempSync(join(tmpdir(), 'zip-'));
  cpSync(one, two, { recursive: true });
  expect((await zipEntries(filesBelow(one))).equals(await zipEntries(filesBelow(two)))).toBe(true);
  expect(filesBelow(one)).toMatchObject([{ path: 'run', mode: 0o100755 }]);
  for (const folder of [one, two]) rmSync(folder, { recursive: true });
});

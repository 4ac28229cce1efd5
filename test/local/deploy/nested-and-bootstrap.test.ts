import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CfnOutput, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { takeInventory } from '../../../local/src/inventory';
import { NOTHING_LEFT } from '../nothing-left';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';
import { StackCloud } from './stack-cloud';
import { removeAssemblies, synthesize } from './synthesized';

let cloud: TestCloud;

beforeEach(async () => {
  cloud = await startTestCloud();
});

afterEach(async () => {
  await cloud.stop();
  removeAssemblies();
});

const inventory = () => takeInventory(cloud.services, cloud.deployer, { images: [], microvms: [] });
const warnings = () => cloud.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
const deploy = async (build: (scope: Stack) => void) => (await cloud.deployer.deploy(synthesize(build)))[0];

/** A group in a nested stack, whose name comes from outside and goes out again. */
const nesting = (suffix: string, options: { taken?: boolean } = {}) => (scope: Stack) => {
  const outer = new LogGroup(scope, 'Outer', { logGroupName: '/outer', removalPolicy: RemovalPolicy.DESTROY });
  const nested = new NestedStack(scope, 'Nested');
  const inner = new LogGroup(nested, 'Inner', { logGroupName: `${outer.logGroupName}/${suffix}`, removalPolicy: RemovalPolicy.DESTROY });
  if (options.taken) new LogGroup(nested, 'Taken', { logGroupName: '/taken', removalPolicy: RemovalPolicy.DESTROY }).node.addDependency(inner);
  new CfnOutput(scope, 'InnerName', { value: inner.logGroupName });
};

test('deploys a nested stack with values in and out, updates it and deletes it with its parent', async () => {
  const { outputs } = await deploy(nesting('one'));
  expect(outputs.InnerName).toBe('/outer/one');
  expect(inventory().stacks).toEqual(['Test', expect.stringMatching(/^Test-NestedNestedStack/)]);
  const record = cloud.deployer.engine.list().find(({ name }) => name !== 'Test');
  expect(record?.resources).toMatchObject([{ physicalId: '/outer/one' }]);
  expect((await deploy(nesting('two'))).outputs.InnerName).toBe('/outer/two');
  expect([...inventory().logGroups].sort()).toEqual(['/outer', '/outer/two']);
  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual(NOTHING_LEFT);
  expect(warnings()).toEqual([]);
});

test('fails with the reason from inside, and rolls the nested stack back to where it was', async () => {
  cloud.services.logs.createGroup('/taken');
  await expect(deploy(nesting('one', { taken: true }))).rejects.toMatchObject({
    resourceType: 'AWS::CloudFormation::Stack',
    reason: expect.stringMatching(/^Embedded stack arn:.* was not successfully created: .* already exists(?:: \/taken)?$/),
  });
  expect(inventory()).toEqual({ ...NOTHING_LEFT, logGroups: ['/taken'] });
  await deploy(nesting('one'));
  await expect(deploy(nesting('two', { taken: true }))).rejects.toThrow('was not successfully updated');
  expect([...inventory().logGroups].sort()).toEqual(['/outer', '/outer/one', '/taken']);
  await cloud.deployer.destroy('Test');
  expect(inventory()).toEqual({ ...NOTHING_LEFT, logGroups: ['/taken'] });
});

test('deploys the bootstrap of the CDK without a warning, over what stood in for it', async () => {
  const stacks = new StackCloud(cloud);
  await deploy((scope) => {
    new Asset(scope, 'Asset', { path: __filename });
    new LogGroup(scope, 'Group', { removalPolicy: RemovalPolicy.DESTROY });
  });
  const file = join(dirname(require.resolve('aws-cdk/package.json')), 'lib/api/bootstrap/bootstrap-template.yaml');
  stacks.engine.create({ stackName: 'CDKToolkit', templateBody: readFileSync(file, 'utf8'), parameters: { FileAssetsBucketKmsKeyId: '', TrustedAccounts: '123456789012' } });
  const record = await stacks.settled('CDKToolkit');
  expect(record.events.filter(({ reason }) => reason && reason !== 'User Initiated')).toEqual([]);
  expect(record.status).toBe('CREATE_COMPLETE');
  const outputs = Object.fromEntries(record.outputs.map(({ key, value }) => [key, value]));
  expect(outputs).toMatchObject({
    BucketName: 'cdk-hnb659fds-assets-000000000000-us-east-1', FileAssetKeyArn: expect.stringMatching(/^arn:aws:kms:us-east-1:000000000000:key\//),
  });
  expect(cloud.services.parameters.get('/cdk-bootstrap/hnb659fds/version')).toBe(outputs.BootstrapVersion);
  expect(record.resources.map(({ type }) => type)).toEqual(expect.arrayContaining(['AWS::ECR::Repository', 'AWS::KMS::Alias', 'AWS::IAM::Role', 'AWS::S3::BucketPolicy']));
  expect(warnings()).toEqual([]);
  await stacks.delete('CDKToolkit');
  // The bucket is retained, and what the parameter stands in for is there again.
  expect(Object.keys(inventory().buckets)).toEqual([outputs.BucketName]);
  expect(cloud.services.parameters.get('/cdk-bootstrap/hnb659fds/version')).toBe('30');
});

import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaMicrovmsClient, TagResourceCommand } from '@aws-sdk/client-lambda-microvms';
import type { SandboxClient } from 'microvm-sandbox';
import { type DeployedStack, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf, eventually, removeFolder } from './deployed';
import { synthesizeExample } from './example';
import { narrowed, RecordedAccess, type RoleStatement } from './recorded-access';
import { imageTags } from '../../lambda/image-builder/image-request';

const STACK = 'Quickstart';
const recorded = new RecordedAccess();
let folders: string[] = [];
let cloud: LocalCloud;
let stack: DeployedStack;
let client: SandboxClient;

beforeAll(async () => {
  const assembly = await synthesizeExample('quickstart');
  folders = [assembly, await changedImage(assembly, 'second'), await changedImage(assembly, 'third'), await changedImage(assembly, 'fourth')];
  cloud = await startLocalCloud({ isolation: 'processes', authorize: recorded.authorize });
  [stack] = await cloud.deploy(assembly);
  client = clientOf(cloud, stack.outputs.SandboxPool);
}, 120_000);
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await cloud?.stop();
  await Promise.all(folders.map(removeFolder));
});

/** The same assembly with another description of the image: a new version. */
async function changedImage(assembly: string, description: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'policies-assembly-'));
  await cp(assembly, copy, { recursive: true });
  const file = join(copy, `${STACK}.template.json`);
  const template = JSON.parse(await readFile(file, 'utf8')) as { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type === 'Custom::MicrovmSandboxImage') Properties.Description = description;
  }
  await writeFile(file, JSON.stringify(template));
  return copy;
}

const living = () => cloud.inventory().microvms;
const physicalId = (type: string, logicalId: RegExp) => (
  stack.resources.find((resource) => resource.type === type && logicalId.test(resource.logicalId))?.physicalId ?? ''
);

/** What CloudFormation sends to create the image that is there already. */
function createEvent() {
  const { images: [ImageName], buckets } = cloud.inventory();
  const ArtifactBucket = physicalId('AWS::S3::Bucket', /Artifacts/);
  const ResourceProperties = {
    ServiceToken: 'token',
    ImageName,
    ArtifactBucket,
    ArtifactKey: buckets[ArtifactBucket][0],
    SourceBucket: 'assets',
    SourceKey: 'source.zip',
    BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
    BaseImageVersion: '1',
    MemoryMib: '2048',
    Environment: {},
    BuildRoleArn: `arn:aws:iam::000000000000:role/${physicalId('AWS::IAM::Role', /BuildRole/)}`,
    EgressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
    LogGroupName: `/aws/lambda-microvms/${ImageName}`,
  };
  const request = { RequestId: 'repeated', StackId: 'stack', LogicalResourceId: 'Image', ResourceType: 'Custom::MicrovmSandboxImage' };
  return { ...request, RequestType: 'Create', ResourceProperties } as const;
}

test('the whole life of an app is allowed by its own policies', async () => {
  const sandbox = await client.create({ metadata: { purpose: 'test' } });
  expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
  await sandbox.pause();
  await sandbox.resume();
  await sandbox.extendTimeout(60_000);
  const ids: string[] = [];
  for await (const { sandboxId } of client.list()) ids.push(sandboxId);
  expect(ids).toEqual([sandbox.sandboxId]);
  await (await client.getOrCreate({ key: 'one' })).kill();
  await client.connect(sandbox.sandboxId);

  const { payload } = await cloud.invoke(stack.outputs.RunCodeName, { language: 'node', code: 'console.log(6 * 7)' });
  expect(payload).toMatchObject({ stdout: '42\n' });

  await cloud.deploy(folders[1]);
  expect(await sandbox.kill()).toBe(true);
  expect(cloud.denials).toEqual([]);
}, 120_000);

test('so are the passes of the keeper over leases that end and launches that were abandoned', async () => {
  await client.getOrCreate({ key: 'expiring', timeoutMs: 60_000 });
  cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 10 });
  const abandoned = cloud.invoke(stack.outputs.SandboxPool, { version: 1, operation: 'create' });
  await eventually(() => living().length === 2, 'the microVM is there and its allocator does not know');
  await cloud.clock.advance({ seconds: 61 });
  await abandoned;
  cloud.faults.clear();
  await cloud.clock.advance({ minutes: 3 });
  await eventually(() => living().length === 0, 'the keeper has ended both');
  expect(cloud.denials).toEqual([]);
}, 120_000);

test('so is the creation of an image that is repeated because its answer was lost', async () => {
  const event = createEvent();
  const microvms = new LambdaMicrovmsClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  const Resource = `arn:aws:lambda:us-east-1:000000000000:microvm-image:${event.ResourceProperties.ImageName}`;
  await microvms.send(new TagResourceCommand({ Resource, Tags: imageTags(event) }));
  microvms.destroy();
  const { payload } = await cloud.invoke(physicalId('AWS::Lambda::Function', /BuilderOnEvent/), event);
  expect(payload).toMatchObject({ PhysicalResourceId: Resource, ImageVersion: expect.any(String) });
  expect(cloud.denials).toEqual([]);
}, 60_000);

describe('without one statement of a role, and without the app knowing', () => {
  /** Takes the statement away until something was denied; answers that denial and what became of the work. */
  async function withheld(role: RegExp, action: string, work: () => Promise<unknown>) {
    const before = cloud.denials.length;
    const giveBack = recorded.withhold(({ role: name, statement }) => (
      role.test(name) && [statement.Action].flat().includes(action)
    ));
    const outcome = work().catch((error: Error) => error);
    await eventually(() => cloud.denials.length > before, 'something was denied').finally(giveBack);
    return { denial: cloud.denials[before], outcome: await outcome };
  }

  test.each(['lambda:RunMicrovm', 'lambda:PassNetworkConnector', 'dynamodb:PutItem'])('fails to create a sandbox: %s', async (action) => {
    const { denial, outcome } = await withheld(/PoolAllocatorRole/, action, () => client.create({ requestTimeoutMs: 5000 }));
    expect(outcome).toBeInstanceOf(Error);
    expect(denial.message).toMatch(/^User: arn:aws:sts::000000000000:assumed-role\/Quickstart-PoolAllocatorRole\S+ is not authorized to perform: /);
    expect(denial.message).toContain(`because no identity-based policy allows the ${denial.action} action`);
  }, 60_000);

  test('fails to build an image: s3:GetObject of the build role', async () => {
    const { denial, outcome } = await withheld(/BuildRole/, 's3:GetObject', () => cloud.deploy(folders[2]));
    expect(denial).toMatchObject({ action: 's3:GetObject', resource: expect.stringMatching(/^arn:aws:s3:::.*\.zip$/) });
    expect((outcome as Error).message).toMatch(/S3|artifact/);
  }, 120_000);

  test('waits with a new version until the right to pass the build role is there: iam:PassRole', async () => {
    const { denial, outcome } = await withheld(/ImageBuilderRole/, 'iam:PassRole', () => cloud.deploy(folders[3]));
    expect(denial).toMatchObject({ action: 'iam:PassRole', resource: expect.stringContaining(':role/Quickstart-ImageBuildRole') });
    expect(outcome).toMatchObject([{ stackName: STACK }]);
  }, 120_000);
});

test('deleting the app is allowed, too', async () => {
  const before = cloud.denials.length;
  await client.create();
  await cloud.destroy(STACK);
  expect(cloud.denials.slice(before)).toEqual([]);
}, 60_000);

/** What CDK's own constructs and AWS's own policies allow beyond what the app does, and we cannot take away. */
const NOT_OURS: readonly { readonly policy: RegExp; readonly left: RegExp; readonly reason: string }[] = [
  { policy: /Framework(?:OnEvent|Complete)Role/, left: /lambda:GetFunction/, reason: 'asked only while a function is not active yet' },
  { policy: /Framework(?:OnEvent|Complete)Role/, left: /BuilderOnEvent|BuilderIsComplete/, reason: 'every framework function may call both handlers' },
  { policy: /waiterstatemachineRole/, left: /Providerframew/, reason: 'the timeout handler is called after 45 minutes' },
  { policy: /AWSLambdaBasicExecutionRole/, left: /^logs:CreateLogGroup$/, reason: 'the template makes the group' },
];

const used = new Set<object>();
function isOurs({ policy }: RoleStatement, left: string): boolean {
  const found = NOT_OURS.find((known) => known.policy.test(policy) && known.left.test(left));
  if (found) used.add(found);
  return !found;
}

const nameOf = ({ role, policy, statement }: RoleStatement) => `${role} (${policy}): ${JSON.stringify(statement)}`;
const allowing = () => recorded.statements.filter(({ statement }) => statement.Effect === 'Allow');

test('every role of the app was at work', () => {
  const roles = stack.resources.filter(({ type }) => type === 'AWS::IAM::Role').map((role) => role.physicalId);
  const atWork = new Set(recorded.statements.map(({ role }) => role));
  expect(roles.filter((role) => !atWork.has(role))).toEqual([]);
});

test('no role has a statement that nothing needs', async () => {
  const superfluous: string[] = [];
  for (const found of allowing()) {
    if (await recorded.isNeeded(found)) continue;
    if (isOurs(found, JSON.stringify(found.statement))) superfluous.push(nameOf(found));
  }
  expect(superfluous).toEqual([]);
}, 60_000);

test('no statement has an action or a resource that nothing needs', async () => {
  const superfluous: string[] = [];
  for (const found of allowing()) {
    for (const { left, other } of narrowed(found.statement)) {
      if (await recorded.isNeeded(found, other)) continue;
      if (isOurs(found, left)) superfluous.push(`${left} in ${nameOf(found)}`);
    }
  }
  expect(superfluous).toEqual([]);
  expect(NOT_OURS.filter((known) => !used.has(known))).toEqual([]);
}, 60_000);

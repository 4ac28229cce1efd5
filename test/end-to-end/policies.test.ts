import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaMicrovmsClient, TagResourceCommand } from '@aws-sdk/client-lambda-microvms';
import type { Sandbox, SandboxClient } from 'microvm-sandbox';
import { type DeployedStack, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf, eventually, removeFolder } from './deployed';
import { STACKS, synthesizeStacks } from './policies-app';
import { narrowed, RecordedAccess, type RoleStatement } from './recorded-access';
import { attemptTags, ownerTags } from '../../lambda/image-builder/image-tags';

interface DeployedApp {
  readonly stack: DeployedStack;
  readonly takesCommands: boolean;
  readonly client: SandboxClient;
}

const QUICKSTART = 'Quickstart';
const recorded = new RecordedAccess();
let folders: string[] = [];
let cloud: LocalCloud;
let apps: DeployedApp[] = [];
let quickstart: DeployedApp;

beforeAll(async () => {
  const assembly = await synthesizeStacks();
  folders = [assembly, await changedImages(assembly, 'second'), await changedImages(assembly, 'third'), await changedImages(assembly, 'fourth')];
  cloud = await startLocalCloud({ isolation: 'processes', quotas: true, authorize: recorded.authorize });
  apps = await Promise.all(STACKS.map(async ({ stackName, takesCommands }) => {
    const [stack] = await cloud.deploy(assembly, { stacks: [stackName] });
    return { stack, takesCommands, client: clientOf(cloud, stack.outputs.SandboxPool) };
  }));
  [quickstart] = apps;
}, 180_000);
afterAll(async () => {
  await Promise.all(apps.map(({ client }) => client[Symbol.asyncDispose]()));
  await cloud?.stop();
  await Promise.all(folders.map(removeFolder));
});

/** The same assembly with another description of each image: new versions. */
async function changedImages(assembly: string, description: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'policies-assembly-'));
  await cp(assembly, copy, { recursive: true });
  for (const { stackName } of STACKS) {
    const file = join(copy, `${stackName}.template.json`);
    const template = JSON.parse(await readFile(file, 'utf8')) as { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };
    for (const { Type, Properties } of Object.values(template.Resources)) {
      if (Type === 'Custom::MicrovmSandboxImage') Properties.Description = description;
    }
    await writeFile(file, JSON.stringify(template));
  }
  return copy;
}

const living = () => cloud.inventory().microvms;
const physicalId = ({ resources }: DeployedStack, type: string, logicalId = /./) => (
  resources.find((resource) => resource.type === type && logicalId.test(resource.logicalId))?.physicalId ?? ''
);

/** What CloudFormation sends to create the image that is there already. */
function createEvent(stack: DeployedStack) {
  const ImageName = physicalId(stack, 'Custom::MicrovmSandboxImage').split(':').at(-1) ?? '';
  const ArtifactBucket = physicalId(stack, 'AWS::S3::Bucket', /Artifacts/);
  const ResourceProperties = {
    ServiceToken: 'token',
    ImageName,
    ArtifactBucket,
    ArtifactKey: cloud.inventory().buckets[ArtifactBucket].find((key) => key.includes(ImageName)) ?? '',
    SourceBucket: 'assets',
    SourceKey: 'source.zip',
    BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
    BaseImageVersion: '1',
    MemoryMib: '2048',
    Environment: {},
    BuildRoleArn: `arn:aws:iam::000000000000:role/${physicalId(stack, 'AWS::IAM::Role', /BuildRole/)}`,
    EgressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
    LogGroupName: `/aws/lambda-microvms/${ImageName}`,
  };
  const request = { RequestId: 'repeated', StackId: 'stack', LogicalResourceId: 'Image', ResourceType: 'Custom::MicrovmSandboxImage' };
  return { ...request, RequestType: 'Create', ResourceProperties } as const;
}

/** Everything that a client may ask for. */
async function use({ client, takesCommands }: DeployedApp): Promise<Sandbox> {
  const sandbox = await client.create({ metadata: { purpose: 'test' } });
  if (takesCommands) expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
  await sandbox.pause();
  await sandbox.resume();
  await sandbox.extendTimeout(60_000);
  const ids: string[] = [];
  for await (const { sandboxId } of client.list()) ids.push(sandboxId);
  expect(ids).toEqual([sandbox.sandboxId]);
  await (await client.getOrCreate({ key: 'one' })).kill();
  return client.connect(sandbox.sandboxId);
}

test('the whole life of each app is allowed by its own policies', async () => {
  const sandboxes = await Promise.all(apps.map(use));
  const { payload } = await cloud.invoke(quickstart.stack.outputs.RunCodeName, { language: 'node', code: 'console.log(6 * 7)' });
  expect(payload).toMatchObject({ stdout: '42\n' });

  await Promise.all(STACKS.map(({ stackName }) => cloud.deploy(folders[1], { stacks: [stackName] })));
  expect(await Promise.all(sandboxes.map((sandbox) => sandbox.kill()))).toEqual(apps.map(() => true));
  expect(cloud.denials).toEqual([]);
}, 180_000);

test('code in a sandbox with a role has its credentials, in another one none', async () => {
  const script = [
    'token=$(curl -s -X PUT -H "x-aws-ec2-metadata-token-ttl-seconds: 60" $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/api/token)',
    'curl -s -H "x-aws-ec2-metadata-token: $token" $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/meta-data/iam/security-credentials/execution_role',
  ].join('; ');
  const answers = await Promise.all([apps[3], quickstart].map(async ({ client }) => {
    await using sandbox = await client.create();
    return (await sandbox.commands.run(script)).stdout;
  }));
  expect(answers[0]).toContain('"AccessKeyId"');
  expect(answers[1]).not.toContain('"AccessKeyId"');
  expect(cloud.denials).toEqual([]);
}, 60_000);

test('so are the passes of the keepers over leases that end and launches that were abandoned', async () => {
  await Promise.all(apps.map(({ client }) => client.getOrCreate({ key: 'expiring', timeoutMs: 60_000 })));
  cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 10 * apps.length });
  const abandoned = apps.map(({ stack }) => cloud.invoke(stack.outputs.SandboxPool, { version: 1, operation: 'create' }));
  await eventually(() => living().length === 2 * apps.length, 'the microVMs are there and their allocators do not know');
  await cloud.clock.advance({ seconds: 61 });
  await Promise.all(abandoned);
  cloud.faults.clear();
  await cloud.clock.advance({ minutes: 3 });
  await eventually(() => living().length === 0, 'the keepers have ended all');
  expect(cloud.denials).toEqual([]);
}, 120_000);

test('so is the creation of an image that is repeated because its answer was lost', async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = cloud.environment;
  const microvms = new LambdaMicrovmsClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } });
  await Promise.all(apps.map(async ({ stack }) => {
    const event = createEvent(stack);
    const Resource = `arn:aws:lambda:us-east-1:000000000000:microvm-image:${event.ResourceProperties.ImageName}`;
    await microvms.send(new TagResourceCommand({ Resource, Tags: { ...ownerTags(event), ...attemptTags(event) } }));
    const { payload } = await cloud.invoke(physicalId(stack, 'AWS::Lambda::Function', /BuilderOnEvent/), event);
    expect(payload).toMatchObject({ PhysicalResourceId: Resource, StartedAt: expect.any(Number) });
  }));
  microvms.destroy();
  expect(cloud.denials).toEqual([]);
}, 60_000);

describe('without one statement of a role, and without the app knowing', () => {
  /** Takes the statement away until as many roles were denied something; answers the first denial and what became of the work. */
  async function withheld(role: RegExp, action: string, work: () => Promise<unknown>, count = 1) {
    const before = cloud.denials.length;
    const giveBack = recorded.withhold(({ role: name, statement }) => (
      role.test(name) && [statement.Action].flat().includes(action)
    ));
    const outcome = work().catch((error: Error) => error);
    const denied = () => new Set(cloud.denials.slice(before).map(({ principal }) => principal)).size;
    await eventually(() => denied() >= count, 'something was denied').finally(giveBack);
    return { denial: cloud.denials[before], outcome: await outcome };
  }

  test.each(['lambda:RunMicrovm', 'lambda:PassNetworkConnector', 'dynamodb:PutItem'])('fails to create a sandbox: %s', async (action) => {
    const { denial, outcome } = await withheld(/^Quickstart-PoolAllocatorRole/, action, () => quickstart.client.create({ requestTimeoutMs: 5000 }));
    expect(outcome).toBeInstanceOf(Error);
    expect(denial.message).toMatch(/^User: arn:aws:sts::000000000000:assumed-role\/Quickstart-PoolAllocatorRole\S+ is not authorized to perform: /);
    expect(denial.message).toContain(`because no identity-based policy allows the ${denial.action} action`);
  }, 60_000);

  test('fails to build the images: s3:GetObject of the build roles', async () => {
    const deploy = ({ stackName }: { stackName: string }) => cloud.deploy(folders[2], { stacks: [stackName] });
    const { denial, outcome } = await withheld(/ImageBuildRole/, 's3:GetObject', () => Promise.allSettled(STACKS.map(deploy)), STACKS.length);
    expect(denial).toMatchObject({ action: 's3:GetObject', resource: expect.stringMatching(/^arn:aws:s3:::.*\.zip$/) });
    const failed = { status: 'rejected', reason: expect.objectContaining({ message: expect.stringMatching(/S3|artifact/) }) };
    expect(outcome).toEqual(STACKS.map(() => failed));
  }, 120_000);

  test('waits with a new version until the right to pass the build role is there: iam:PassRole', async () => {
    const { denial, outcome } = await withheld(/^Quickstart-.*ImageBuilderRole/, 'iam:PassRole', () => cloud.deploy(folders[3], { stacks: [QUICKSTART] }));
    expect(denial).toMatchObject({ action: 'iam:PassRole', resource: expect.stringContaining(':role/Quickstart-ImageBuildRole') });
    expect(outcome).toMatchObject([{ stackName: QUICKSTART }]);
  }, 120_000);
});

test('deleting the apps is allowed, too', async () => {
  const before = cloud.denials.length;
  await Promise.all(apps.map(({ client }) => client.create()));
  await Promise.all(STACKS.map(({ stackName }) => cloud.destroy(stackName)));
  expect(cloud.denials.slice(before)).toEqual([]);
}, 120_000);

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

test('every role of every app was at work', () => {
  const roles = apps.flatMap(({ stack }) => stack.resources.filter(({ type }) => type === 'AWS::IAM::Role'));
  const atWork = new Set(recorded.statements.map(({ role }) => role));
  expect(roles.map(({ physicalId: name }) => name).filter((name) => !atWork.has(name))).toEqual([]);
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

import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox, SandboxClient } from 'microvm-sandbox';
import { type DeployedStack, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf, eventually, removeFolder } from './deployed';
import { STACKS, synthesizeStacks } from './policies-app';
import { AccountUser } from './policies-user';
import { narrowed, RecordedAccess, type RoleStatement } from './recorded-access';

interface DeployedPool {
  readonly stack: DeployedStack;
  readonly takesCommands: boolean;
  readonly allocatorArn: string;
  readonly client: SandboxClient;
}

const IMAGE_TYPE = 'Custom::MicrovmSandboxImage';
const recorded = new RecordedAccess();
let folders: string[] = [];
let cloud: LocalCloud;
let user: AccountUser;
let stacks: DeployedStack[] = [];
let pools: DeployedPool[] = [];
let quickstart: DeployedPool;

beforeAll(async () => {
  // Of the many versions here most are never run: no spares for them.
  cloud = await startLocalCloud({ isolation: 'processes', quotas: true, authorize: recorded.authorize, spares: 0 });
  user = new AccountUser(cloud);
  const assembly = await synthesizeStacks(await user.putSources());
  folders = [
    assembly,
    await changedImages(assembly, { Description: 'second', Tags: { stage: 'second' } }),
    await changedImages(assembly, { Description: 'third', Tags: { stage: 'third' } }),
    await changedImages(assembly, { Description: 'fourth' }),
  ];
  cloud.faults.loseAnswer({ operation: 'CreateMicrovmImage', times: STACKS.length });
  stacks = await deployAll(assembly);
  pools = STACKS.flatMap(({ pools: outputs }, index) => outputs.map(({ output, takesCommands }) => {
    const stack = stacks[index];
    const allocatorArn = stack.outputs[output];
    return { stack, takesCommands, allocatorArn, client: clientOf(cloud, allocatorArn) };
  }));
  [quickstart] = pools;
}, 180_000);
afterAll(async () => {
  await Promise.all(pools.map(({ client }) => client[Symbol.asyncDispose]()));
  user?.close();
  await cloud?.stop();
  await Promise.all(folders.map(removeFolder));
});

const deployAll = async (folder: string) => (
  (await Promise.all(STACKS.map(({ stackName }) => cloud.deploy(folder, { stacks: [stackName] })))).flat()
);

interface ImageProperties {
  readonly Description: string;
  readonly Tags?: Readonly<Record<string, string>>;
}

/** The same assembly with something else said of each image: new versions. */
async function changedImages(assembly: string, changed: ImageProperties): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'policies-assembly-'));
  await cp(assembly, copy, { recursive: true });
  for (const { stackName } of STACKS) {
    const file = join(copy, `${stackName}.template.json`);
    const template = JSON.parse(await readFile(file, 'utf8')) as { Resources: Record<string, { Type: string; Properties: object }> };
    for (const { Type, Properties } of Object.values(template.Resources)) {
      if (Type === IMAGE_TYPE) Object.assign(Properties, changed);
    }
    await writeFile(file, JSON.stringify(template));
  }
  return copy;
}

const living = () => cloud.inventory().microvms;
const namesOf = ({ resources }: DeployedStack, type: string) => (
  resources.filter((resource) => resource.type === type).map(({ physicalId }) => physicalId)
);
/** Without AWS's own, whose builds are no role's of ours. */
const imagesOf = (stack: DeployedStack) => namesOf(stack, IMAGE_TYPE).map((arn) => arn.split(':').at(-1) ?? '');

/** Everything that a client may ask for. */
async function use({ client, takesCommands }: DeployedPool): Promise<Sandbox> {
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
  const sandboxes = await Promise.all(pools.map(use));
  const { payload } = await cloud.invoke(quickstart.stack.outputs.RunCodeName, { language: 'node', code: 'console.log(6 * 7)' });
  expect(payload).toMatchObject({ stdout: '42\n' });

  await deployAll(folders[1]);
  expect(await Promise.all(sandboxes.map((sandbox) => sandbox.kill()))).toEqual(pools.map(() => true));
  expect(cloud.denials).toEqual([]);
}, 180_000);

test('so is a sandbox whose version a pipeline has just retired', async () => {
  const created = pools.filter(({ stack }) => stack.stackName !== 'Roles').map(async ({ stack, client }) => {
    const [imageName] = imagesOf(stack);
    await user.makeCurrent(imageName, '1.0', '2.0');
    return client.create();
  });
  const sandboxes = await Promise.all(created);
  expect(await Promise.all(sandboxes.map((sandbox) => sandbox.kill()))).toEqual(created.map(() => true));
  expect(cloud.denials).toEqual([]);
}, 60_000);

test('code in a sandbox with a role has its credentials, in another one none', async () => {
  const script = [
    'token=$(curl -s -X PUT -H "x-aws-ec2-metadata-token-ttl-seconds: 60" $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/api/token)',
    'curl -s -H "x-aws-ec2-metadata-token: $token" $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/meta-data/iam/security-credentials/execution_role',
  ].join('; ');
  const answers = await Promise.all([pools[3], quickstart].map(async ({ client }) => {
    await using sandbox = await client.create();
    return (await sandbox.commands.run(script)).stdout;
  }));
  expect(answers[0]).toContain('"AccessKeyId"');
  expect(answers[1]).not.toContain('"AccessKeyId"');
  expect(cloud.denials).toEqual([]);
}, 60_000);

test('so are the passes of the keepers over leases that end and launches that were abandoned, and a rebuild', async () => {
  await Promise.all(pools.map(({ client }) => client.getOrCreate({ key: 'expiring', timeoutMs: 60_000 })));
  cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 10 * pools.length });
  const abandoned = pools.map(({ allocatorArn }) => cloud.invoke(allocatorArn, { version: 1, operation: 'create' }));
  await eventually(() => living().length === 2 * pools.length, 'the microVMs are there and their allocators do not know');
  await cloud.clock.advance({ seconds: 61 });
  await Promise.all(abandoned);
  cloud.faults.clear();
  await cloud.clock.advance({ minutes: 3 });
  await eventually(() => living().length === 0, 'the keepers have ended all');
  const builderLogs = stacks.flatMap((stack) => namesOf(stack, 'AWS::Logs::LogGroup')).flatMap((group) => cloud.logs(group));
  expect(builderLogs.join()).toMatch(/rebuild.*version 2\.0 is current/);
  expect(cloud.denials).toEqual([]);
}, 120_000);

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

  test('fails to build the images, and reads why: s3:GetObject of the build roles', async () => {
    const deploy = ({ stackName }: { stackName: string }) => cloud.deploy(folders[2], { stacks: [stackName] });
    const images = stacks.flatMap(imagesOf);
    const { denial, outcome } = await withheld(/BuildRole/, 's3:GetObject', () => Promise.allSettled(STACKS.map(deploy)), images.length);
    expect(denial).toMatchObject({ action: 's3:GetObject', resource: expect.stringMatching(/^arn:aws:s3:::.*\.zip$/) });
    const failed = { status: 'rejected', reason: expect.objectContaining({ message: expect.stringMatching(/S3_ACCESS_DENIED/) }) };
    expect(outcome).toEqual(STACKS.map(() => failed));
  }, 120_000);

  test('waits with new versions until the right to pass the build role is there: iam:PassRole', async () => {
    const { denial, outcome } = await withheld(/ImageBuilderRole/, 'iam:PassRole', () => deployAll(folders[3]), STACKS.length);
    expect(denial).toMatchObject({ action: 'iam:PassRole', resource: expect.stringMatching(/:role\/.*BuildRole/) });
    expect(outcome).toMatchObject(STACKS.map(({ stackName }) => ({ stackName })));
  }, 120_000);
});

test('deleting the apps is allowed, too, with their sandboxes and with microVMs that no pool knows', async () => {
  const before = cloud.denials.length;
  await Promise.all(pools.map(({ client }) => client.create()));
  await Promise.all(stacks.flatMap(imagesOf).map((imageName) => user.run(imageName)));
  await Promise.all(STACKS.map(({ stackName }) => cloud.destroy(stackName)));
  expect(cloud.inventory()).toMatchObject({ stacks: [], images: [], roles: [] });
  expect(cloud.denials.slice(before)).toEqual([]);
}, 120_000);

const FRAMEWORK = /Framework(?:OnEvent|Complete)Role|PoolProviderRole/;

/** What CDK's own constructs and AWS's own policies allow beyond what the app does, and we cannot take away. */
const NOT_OURS: readonly { readonly policy: RegExp; readonly left: RegExp; readonly reason: string }[] = [
  { policy: FRAMEWORK, left: /lambda:GetFunction/, reason: 'asked only while a function is not active yet' },
  { policy: FRAMEWORK, left: /^arn:[^"]*:\*$/, reason: 'the framework may call versions of its handler, which has none' },
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
  const roles = stacks.flatMap((stack) => namesOf(stack, 'AWS::IAM::Role'));
  const atWork = new Set(recorded.statements.map(({ role }) => role));
  expect(roles.filter((name) => !atWork.has(name))).toEqual([]);
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

import { CreateMicrovmImageCommand, ListMicrovmImageBuildsCommand } from '@aws-sdk/client-lambda-microvms';
import { COUNTER } from './guests';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, REGION, ROLE, zip } from './microvm-cloud';
import type { RoleAssumer } from '../../../local/src/role-session';

const GROUP = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda-microvms/app`;

interface Asked {
  readonly action: string;
  readonly resource: string;
}

/** A role that allows all but what is refused, and tells what was asked. */
class RoleDouble implements RoleAssumer {
  readonly assumed: string[] = [];
  readonly asked: Asked[] = [];

  constructor(private readonly refused: readonly string[] = [], private readonly exists = true) {}

  async assume(roleArn: string) {
    this.assumed.push(roleArn);
    if (!this.exists) return undefined;
    return {
      credentials: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '', expiresAt: 0 }),
      allows: async (action: string, resource: string) => {
        this.asked.push({ action, resource });
        return !this.refused.includes(action);
      },
    };
  }
}

let cloud: MicrovmCloud;
afterEach(() => cloud.close());

async function build(roles: RoleDouble, { uri = 's3://artifacts/app.zip', groupExists = true, files = COUNTER } = {}): Promise<string | undefined> {
  const logs: MicrovmCloud['logs'] = [];
  cloud = await new MicrovmCloud('processes', undefined, {
    roles,
    objects: { read: async (bucket, key) => cloud.objects.get(`${bucket}/${key}`), hasBucket: (bucket) => bucket === 'artifacts' },
    logs: {
      write: (group, stream, message) => void logs.push({ group, stream, message }),
      hasGroup: () => groupExists,
    },
  }).open();
  cloud.logs.splice(0);
  cloud.objects.set('artifacts/app.zip', await zip(files));
  const { imageArn = '' } = await cloud.client.send(new CreateMicrovmImageCommand({
    name: 'app', baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
  }));
  await cloud.until('the build', async () => (await cloud.imageState(imageArn)) !== 'CREATING');
  cloud.logs.push(...logs);
  const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier: imageArn, imageVersion: '1.0' }));
  return items[0].stateReason;
}

test('a build reads the artifact and writes its logs as the build role, and asks for nothing else', async () => {
  const role = new RoleDouble();
  expect(await build(role)).toBeUndefined();
  expect(role.assumed).toEqual([ROLE]);
  expect(role.asked[0]).toEqual({ action: 's3:GetObject', resource: 'arn:aws:s3:::artifacts/app.zip' });
  const streamsOf = (action: string) => role.asked.filter((asked) => asked.action === action)
    .map(({ resource }) => resource);
  const streams = streamsOf('logs:CreateLogStream');
  expect(streams.map((stream) => stream.replace(/\d{4}\/.*\[/, '[').replace(/microvm-[0-9a-f-]{36}$/, ''))).toEqual(
    ['[0.0]', '[1.0]', '[1.0]'].map((stream) => `${GROUP}:log-stream:${stream}`),
  );
  expect(streamsOf('logs:PutLogEvents')).toEqual(streams);
  expect(new Set(role.asked.map(({ action }) => action))).toEqual(new Set(['s3:GetObject', 'logs:CreateLogStream', 'logs:PutLogEvents']));
});

test('fails without a role that the service may assume, and writes no log', async () => {
  expect(await build(new RoleDouble([], false))).toMatch(`Lambda is unable to assume role ${ROLE}. Check that the role exists and that its trust policy allows `
    + 'lambda.amazonaws.com to call sts:AssumeRole and sts:TagSession.');
  expect(cloud.logs).toEqual([]);
});

test('fails when the build role may not read the artifact, whether it is there or not', async () => {
  expect(await build(new RoleDouble(['s3:GetObject']))).toBe('S3_ACCESS_DENIED: The build role is not allowed to call s3:GetObject on s3://artifacts/app.zip.');
  expect(cloud.logs.map(({ message }) => message)).toEqual([expect.stringContaining('S3_ACCESS_DENIED')]);
});

test('fails when the bucket is not there', async () => {
  expect(await build(new RoleDouble(), { uri: 's3://elsewhere/app.zip' })).toBe('S3_NO_SUCH_BUCKET: The bucket elsewhere does not exist.');
});

test.each(['logs:CreateLogStream', 'logs:PutLogEvents'])('without %s there is no log and no word about it', async (action) => {
  expect(await build(new RoleDouble([action]))).toBeUndefined();
  expect(cloud.logs).toEqual([]);
  expect(cloud.warnings).toEqual([]);
});

test('a log group that is not there needs logs:CreateLogGroup', async () => {
  const role = new RoleDouble(['logs:CreateLogGroup']);
  expect(await build(role, { groupExists: false })).toBeUndefined();
  expect(role.asked).toContainEqual({ action: 'logs:CreateLogGroup', resource: GROUP });
  expect(cloud.logs).toEqual([]);
});

describe('an image in a private repository', () => {
  const REPOSITORY = `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/team/base`;
  const IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/team/base@sha256:${'a'.repeat(64)}`;
  const from = (dockerfile: string) => ({ files: { ...COUNTER, Dockerfile: dockerfile } });
  const pulled = from(`ARG BASE=${IMAGE}\nFROM $BASE\nCMD ["sleep", "60"]\n`);

  test('is pulled as the build role, which asks for the repository and nothing wider', async () => {
    const role = new RoleDouble();
    expect(await build(role, pulled)).toBeUndefined();
    expect(role.asked.filter(({ action }) => action.startsWith('ecr:'))).toEqual([
      { action: 'ecr:GetAuthorizationToken', resource: '*' },
      { action: 'ecr:BatchCheckLayerAvailability', resource: REPOSITORY },
      { action: 'ecr:BatchGetImage', resource: REPOSITORY },
      { action: 'ecr:GetDownloadUrlForLayer', resource: REPOSITORY },
    ]);
  });

  test.each([
    'ecr:GetAuthorizationToken', 'ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer',
  ])('fails the build without %s, and the log says why', async (action) => {
    expect(await build(new RoleDouble([action]), pulled)).toBe('The container image build failed.');
    const [last] = cloud.logs.map(({ message }) => message).slice(-1);
    expect(last).toMatch(`ERROR: failed to solve: failed to resolve source metadata for ${IMAGE}: the build role is not allowed to call ${action} on`);
  });

  test('fails the build, too, where only a COPY names it', async () => {
    const copied = from(`FROM scratch AS one\nFROM one\nCOPY --from=${IMAGE} /x /y\nCOPY --from=one /Dockerfile* /z/\nCMD ["sleep", "60"]\n`);
    expect(await build(new RoleDouble(['ecr:BatchGetImage']), copied)).toBe('The container image build failed.');
  });
});

import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Duration } from 'aws-cdk-lib';
import { CfnRole, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { ImageSource } from 'cdk-microvm-sandbox';
import { ImageCloud, serverThat, type SmallStack } from './image-stacks';
import { isolations } from './isolations';
import { meaningOf } from '../../lambda/image-builder/failure-meanings';

/** The codes that AWS documents, and the sentences that its service was seen to say. */
const DOCUMENTED = [
  'S3_ACCESS_DENIED', 'S3_NO_SUCH_KEY', 'S3_NO_SUCH_BUCKET', 'S3_INVALID_OBJECT', 'S3_CROSS_REGION_ACCESS_DENIED', 'ARCHIVE_DOCKERFILE_NOT_FOUND',
  'ARCHIVE_INVALID', 'CONTAINER_BUILD_FAILED', 'DISK_STORAGE_FULL', 'INTERNAL_PLATFORM_ERROR',
  'The container image build failed.', 'Ready hook invocation timed out after PT5M', 'Validate hook invocation timed out after PT10M',
  ...['Ready', 'Validate'].flatMap((hook) => ['client error (HTTP 4xx)', 'server error (HTTP 5xx)'].map((kind) => (
    `${hook} hook check failed: the application returned a ${kind} response`
  ))),
];

const SECRET = 'hunter2-of-the-environment';
const environment = { PASSPHRASE_OF_TESTS: SECRET };

let images: ImageCloud;
/** Takes half a minute, in which the build log is looked for. */
let withoutLog: Promise<string[]>;
let documented: Promise<Map<string, string>>;

beforeAll(async () => {
  images = await ImageCloud.start({ isolation: isolations()[0], runSteps: isolations()[0] === 'namespaces' });
  withoutLog = images.failures('Unlogged', () => images.deploy({ stackName: 'Unlogged', image: unlogged, files: { ...serverThat(''), Dockerfile: 'FRM a' } }));
  await images.deploy({ stackName: 'Documented' });
  documented = tellDocumented();
  await images.deploy({ stackName: 'Real' });
}, 120_000);
afterAll(() => images.stop());

/** A build role that may do no more than read the artifact. */
const unlogged: SmallStack['image'] = (stack) => {
  const role = new Role(stack, 'Mine', { assumedBy: new ServicePrincipal('lambda.amazonaws.com').withSessionTags() });
  (role.node.defaultChild as CfnRole).policies = [{
    policyName: 'read', policyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] },
  }];
  return { buildRole: Role.fromRoleArn(stack, 'MineAsIs', role.roleArn, { mutable: false }) };
};

/** The message of the image that fails to be updated to this stack. */
async function failure(small: SmallStack): Promise<string> {
  const [reason] = await images.failures(small.stackName, () => images.deploy(small));
  return reason;
}

describe('a build that really fails', () => {
  const failing = (small: Omit<SmallStack, 'stackName'>) => failure({ ...small, stackName: 'Real' });
  const hooks = { port: 8080, ready: { timeout: Duration.seconds(1) }, validate: { timeout: Duration.seconds(1) } };

  test('without a Dockerfile in the zip', async () => {
    const image: SmallStack['image'] = (stack, path) => ({ source: ImageSource.asset(new Asset(stack, 'Source', { path })) });
    expect(await failing({ image, files: { 'server.js': '' } })).toContain('ARCHIVE_DOCKERFILE_NOT_FOUND');
  }, 30_000);

  test('with a Dockerfile that nobody can read', async () => {
    const message = await failing({ files: { Dockerfile: 'FROM scratch\nCOPPY a b\n' } });
    expect(message).toContain('The container image build failed (a step of the Dockerfile failed');
    expect(message).toMatch(/\| .*dockerfile parse error on line 2: unknown instruction: COPPY/);
  }, 30_000);

  (isolations()[0] === 'namespaces' ? test : test.skip)('with a step that fails', async () => {
    const message = await failing({ files: { Dockerfile: 'FROM debian:12-slim\nRUN echo "no such package"; exit 3\nCMD ["sleep", "1"]\n' } });
    expect(message).toContain('The container image build failed (');
    expect(message).toMatch(/\| .*no such package\n(\| .*\n)*.*exit code: 3/);
  }, 30_000);

  test('with a program that is not there', async () => {
    const message = await failing({ files: { Dockerfile: 'FROM scratch\nCMD ["/no-such-program"]\n' } });
    expect(message).toContain('Container Stopped with Exit Code: 127. The program \'/no-such-program\'');
    expect(message).toContain('(the program that the Dockerfile starts ended by itself');
  }, 30_000);

  test('with a program that ends', async () => {
    const files = { ...serverThat(''), 'server.js': 'process.exit(3);' };
    const message = await failing({ files, image: () => ({ hooks }) });
    expect(message).toContain('Container Stopped with Exit Code: 3 (the program that the Dockerfile starts ended by itself');
  }, 30_000);

  test('with a ready hook that answers 500', async () => {
    const files = serverThat('console.log("broken"); response.statusCode = 500; response.end()');
    const message = await failing({ files, image: () => ({ hooks }) });
    expect(message).toContain('Ready hook check failed: the application returned a server error (HTTP 5xx) response (the application answered the hook with');
    expect(message).toContain('\n| broken\n');
  }, 30_000);

  test('with a ready hook that is never answered', async () => {
    const message = await failing({ files: serverThat(''), image: () => ({ hooks }) });
    expect(message).toContain('Ready hook invocation timed out after PT1S (the application did not answer /ready');
  }, 30_000);

  test('with a ready hook that always asks for patience', async () => {
    const files = serverThat('response.statusCode = 503; response.end()');
    expect(await failing({ files, image: () => ({ hooks }) })).toContain('Ready hook invocation timed out after PT1S (');
  }, 30_000);

  test('with a validate hook that answers 400', async () => {
    const files = serverThat('response.statusCode = request.url.endsWith("/validate") ? 400 : 200; response.end()');
    expect(await failing({ files, image: () => ({ hooks }) })).toContain('Validate hook check failed: the application returned a client error (HTTP 4xx) response (');
  }, 30_000);

  test('with a validate hook that is never answered', async () => {
    const files = serverThat('if (request.url.endsWith("/ready")) response.end()');
    expect(await failing({ files, image: () => ({ hooks }) })).toContain('Validate hook invocation timed out after PT1S (the application, restored');
  }, 30_000);

  test('with an artifact that is gone when the build begins', async () => {
    const keys = () => Object.entries(images.cloud.inventory().buckets).flatMap(([Bucket, objects]) => (
      objects.filter((key) => key.startsWith('Real/')).map((Key) => ({ Bucket, Key }))
    ));
    const before = keys().map(({ Key }) => Key);
    const added = () => keys().filter(({ Key }) => !before.includes(Key));
    const s3 = new S3Client({ ...images.sdk, forcePathStyle: true });
    images.meanwhile.beforeCall = async ({ action, resource }) => {
      if (action === 'lambda:UpdateMicrovmImage' && resource === images.arn('Real')) await s3.send(new DeleteObjectCommand(added()[0]));
    };
    const message = await failing({ word: 'gone' });
    images.meanwhile.beforeCall = undefined;
    s3.destroy();
    expect(message).toContain('S3_NO_SUCH_KEY');

    expect(await images.deploy({ stackName: 'Real', word: 'gone' })).toMatchObject({ imageVersion: expect.stringMatching(/^\d+\.0$/) });
  }, 60_000);
});

/** What a deployment of the image says when the build fails, by the reason. */
async function tellDocumented(): Promise<Map<string, string>> {
  const assembly = images.synthesize({ stackName: 'Documented', image: () => ({ environment }) });
  const told = new Map<string, string>();
  for (const reason of DOCUMENTED) {
    images.cloud.faults.failBuild({ image: 'Documented', reason, log: ['#7 RUN make', `the passphrase is ${SECRET}`, 'make: *** [all] Error 2'] });
    const [message] = await images.failures('Documented', () => images.cloud.deploy(assembly));
    told.set(reason, message);
  }
  return told;
}

describe('a build that fails for a documented reason', () => {
  test.each(DOCUMENTED)('says so in the event of the image, with what it means and the end of the log: %s', async (reason) => {
    const message = (await documented).get(reason);
    expect(message).toMatch(/Message returned: Image Documented, version \d+\.0, failed to build\./);
    expect(message).toContain(`Build for GRAVITON 4 and GRAVITON 3: ${reason.replace(/\.$/, '')} (${meaningOf(reason)}).`);
    expect(message).toMatch(/Build log: log group \/aws\/lambda-microvms\/Documented, stream \d{4}\/\d\d\/\d\d\[0\.0\]microvm-\S+\.\n/);
    expect(message).toContain('\nLast lines of the log:\n| #7 RUN make\n| the passphrase is ***\n| make: *** [all] Error 2\n');
  }, 60_000);

  test('leaves the image as it was: the version before, and no other', async () => {
    expect(await images.versions('Documented')).toEqual(['1.0 SUCCESSFUL ACTIVE']);
  });
});

test('a build that fails for one processor only is named', async () => {
  images.cloud.faults.failBuild({ image: 'Documented', reason: 'DISK_STORAGE_FULL', chipsetGeneration: '3', log: ['full'] });
  expect(await failure({ stackName: 'Documented', word: 'other' })).toContain('Build for GRAVITON 3: DISK_STORAGE_FULL (');
}, 30_000);

test('a reason is told whole, and the newest lines as far as there is room', async () => {
  const reason = `Why: ${'"y\u00e9" '.repeat(250)}end`;
  images.cloud.faults.failBuild({ image: 'Documented', reason, log: Array.from({ length: 200 }, (_, line) => `line ${line} ${'"'.repeat(90)}`) });
  const message = await failure({ stackName: 'Documented', word: 'other' });
  // CloudFormation says `Response object is too long.` instead of a reason that is.
  expect(message).toContain(`: ${reason}`);
  expect(message).toContain('| line 199 ');
  expect(message).not.toContain('| line 160 ');
}, 30_000);

test('a stack whose image fails at once is told why, and leaves nothing', async () => {
  const before = images.cloud.inventory();
  const message = await failure({ stackName: 'First', files: { Dockerfile: 'FROM scratch\nCMD ["/no-such-program"]\n' } });
  expect(message).toContain('Image First, version 1.0, failed to build. Build for GRAVITON 4 and GRAVITON 3: Container Stopped with Exit Code: 127.');
  expect(images.cloud.inventory()).toEqual({ ...before, functionProcesses: expect.any(Number) });
}, 60_000);

test('a build whose role may not write the log says that, too', async () => {
  const [message] = await withoutLog;
  expect(message).toContain('The container image build failed (');
  expect(message).toContain('With an empty log, the build role cannot write to the log group).');
  expect(message).toContain('Build log: log group /aws/lambda-microvms/Unlogged (no lines of this build arrived there).');
}, 60_000);

test('no event and no line of a log has a value of the environment', () => {
  const said = images.events.filter(({ kind }) => kind !== 'warning');
  // But the build's own log, in which the build wrote it.
  const others = said.filter((event) => !(event.kind === 'log' && event.logGroup.startsWith('/aws/lambda-microvms/')));
  expect(others.length).toBeGreaterThan(100);
  expect(JSON.stringify(others)).not.toContain(SECRET);
  expect(JSON.stringify(others)).not.toMatch(/X-Amz-Signature/i);
});

test('nothing of this was denied but what was meant to be', () => {
  expect(images.cloud.denials.filter(({ principal }) => !principal.includes('Unlogged-Mine'))).toEqual([]);
});

import { Aspects, CfnOutput, Duration, Tags } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { BaseImage, ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Sandbox, SandboxClient } from 'microvm-sandbox';
import { ImageCloud, serverThat, type SmallStack } from './image-stacks';

const files = serverThat('response.end(process.env.AWS_LAMBDA_MICROVM_IMAGE_VERSION)');
const follows = { baseImage: BaseImage.latest(), rebuildOnNewBase: Schedule.rate(Duration.minutes(10)) };

/** Two images that follow the base, each with a pool. */
const stack: SmallStack = {
  stackName: 'Following',
  files,
  withPool: true,
  image: (scope, context) => {
    const image = new SandboxImage(scope, 'Broken', { ...follows, imageName: 'Broken', source: ImageSource.directory(context) });
    new CfnOutput(scope, 'OtherPool', { value: new SandboxPool(scope, 'BrokenPool', { image }).allocatorArn });
    return follows;
  },
};

let images: ImageCloud;
let client: SandboxClient;
let broken: SandboxClient;
let before: Sandbox;
const ask = async (sandbox: Sandbox) => (await sandbox.fetch(8080, '/')).text();

beforeAll(async () => {
  images = await ImageCloud.start();
  const outputs = await images.deploy(stack);
  client = images.client(outputs);
  broken = images.client({ SandboxPool: outputs.OtherPool });
  before = await client.create();
  expect(await ask(before)).toBe('1.0');

  images.cloud.baseImages.publish('2');
  images.cloud.faults.failBuild({ image: 'Broken', reason: 'INTERNAL_PLATFORM_ERROR', log: ['not on this base'] });
  // The schedules fire, and their functions look every ten seconds.
  await images.cloud.clock.advance({ minutes: 11 });
}, 120_000);
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await broken?.[Symbol.asyncDispose]();
  await images.stop();
});

test('a newer base image makes a version that the pool starts, and the one before is INACTIVE', async () => {
  expect(await images.versions('Following')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
  await using after = await client.create();
  expect([await ask(after), await ask(before)]).toEqual(['2.0', '1.0']);
}, 30_000);

test('a rebuild that fails leaves the version before to the pool, and says why', async () => {
  expect(await images.versions('Broken')).toEqual(['1.0 SUCCESSFUL ACTIVE']);
  await using sandbox = await broken.create();
  expect(await ask(sandbox)).toBe('1.0');
  const lines = images.events.flatMap((event) => (event.kind === 'log' ? event.message : []));
  expect(lines.filter((line) => line.includes('the rebuild failed; the current version stays in use'))).toEqual([
    expect.stringMatching(/INTERNAL_PLATFORM_ERROR \(the platform failed; deploy again\).*\| not on this base/),
  ]);
}, 30_000);

test('a deployment after the rebuild builds nothing, and tells the new base', async () => {
  const image: SmallStack['image'] = (scope, context) => {
    Aspects.of(scope).add({ visit: (node) => void (node.node.path === 'Following/Image/Resource' && Tags.of(node).add('team', 'agents')) });
    return stack.image?.(scope, context) ?? {};
  };
  expect(await images.deploy({ ...stack, image })).toMatchObject({ imageVersion: '2.0', baseImageVersion: '2', baseImageStatus: 'AVAILABLE' });
  expect(await images.versions('Following')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
}, 30_000);

test('all of this was allowed', () => {
  expect(images.cloud.denials).toEqual([]);
});

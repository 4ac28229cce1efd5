import { RunMicrovmCommand, TerminateMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import { Aspects, Tags } from 'aws-cdk-lib';
import { BaseImage } from 'cdk-microvm-sandbox';
import type { Sandbox, SandboxClient } from 'microvm-sandbox';
import { ImageCloud, type SmallStack } from './image-stacks';

/** Of an image; on AWS 50. */
const VERSIONS = 3;

let images: ImageCloud;
beforeAll(async () => {
  images = await ImageCloud.start({ quotas: { defaults: true, versionsPerImage: VERSIONS } });
}, 60_000);
afterAll(() => images.stop());

const described = (description: string): SmallStack['image'] => () => ({ description });

describe('versions of an image', () => {
  const deploy = (small: Omit<SmallStack, 'stackName'> = {}) => images.deploy({ ...small, stackName: 'Versions' });
  const versions = () => images.versions('Versions');

  beforeAll(async () => {
    expect(await deploy()).toEqual({ imageVersion: '1.0', baseImageVersion: '1', baseImageStatus: 'AVAILABLE' });
  }, 60_000);

  test.each<[string, SmallStack['image']]>([
    ['nothing', undefined],
    ['the tags', (stack) => {
      Aspects.of(stack).add({ visit: (node) => void (node.node.path === 'Versions/Image/Resource' && Tags.of(node).add('team', 'agents')) });
      return {};
    }],
    ['how many versions stay', () => ({ retainVersions: 1 })],
    // The service tells it as `1.0`.
    ['the base image to the newest, which it has', () => ({ baseImage: BaseImage.latest() })],
  ])('a deployment that changes %s builds nothing', async (_, image) => {
    expect(await deploy({ image })).toMatchObject({ imageVersion: '1.0', baseImageVersion: '1' });
    expect(await versions()).toEqual(['1.0 SUCCESSFUL ACTIVE']);
  }, 30_000);

  test('a change builds, and the version before is INACTIVE', async () => {
    expect(await deploy({ image: described('second') })).toMatchObject({ imageVersion: '2.0' });
    expect(await versions()).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
  }, 30_000);

  test('another one leaves the last version for a rollback, and deletes the one before', async () => {
    expect(await deploy({ word: 'third' })).toMatchObject({ imageVersion: '3.0' });
    expect(await versions()).toEqual(['2.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL ACTIVE']);
  }, 30_000);

  test('what there was before is current again without a build', async () => {
    expect(await deploy({ image: described('second') })).toMatchObject({ imageVersion: '2.0' });
    expect(await versions()).toEqual(['2.0 SUCCESSFUL ACTIVE', '3.0 SUCCESSFUL INACTIVE']);
  }, 30_000);

  test('an update that fails elsewhere goes back to the version before without a build', async () => {
    const reasons = await images.failures('Versions', () => deploy({ word: 'fourth', withFailure: true }));
    expect(reasons).toEqual([expect.stringContaining('Type must be String')]);
    expect(await versions()).toEqual(['2.0 SUCCESSFUL ACTIVE', '4.0 SUCCESSFUL INACTIVE']);
  }, 30_000);

  test('a build that fails leaves the version before current, also for the next deployment', async () => {
    images.cloud.faults.failBuild({ image: 'Versions', reason: 'INTERNAL_PLATFORM_ERROR', log: ['broken'] });
    expect(await images.failures('Versions', () => deploy({ word: 'fifth' }))).toEqual([expect.stringContaining('INTERNAL_PLATFORM_ERROR')]);
    expect(await versions()).toEqual(['2.0 SUCCESSFUL ACTIVE', '4.0 SUCCESSFUL INACTIVE']);
    // The same again is another attempt: no token of the failed one is used.
    expect(await deploy({ word: 'fifth' })).toMatchObject({ imageVersion: '6.0' });
  }, 30_000);
});

describe('a version that microVMs run', () => {
  const pooled = { stackName: 'Pooled', withPool: true };
  let client: SandboxClient;
  let sandbox: Sandbox;
  const ask = async (of: Sandbox) => (await of.fetch(8080, '/')).text();

  beforeAll(async () => {
    client = images.client(await images.deploy({ ...pooled, word: 'one' }));
    sandbox = await client.create();
  }, 60_000);
  afterAll(() => client[Symbol.asyncDispose]());

  test('goes on when the next one does not build, and the pool starts more of it', async () => {
    images.cloud.faults.failBuild({ image: 'Pooled', reason: 'ARCHIVE_INVALID', log: ['broken'] });
    expect(await images.failures('Pooled', () => images.deploy({ ...pooled, word: 'two' }))).toEqual([expect.stringContaining('ARCHIVE_INVALID')]);
    await using other = await client.create();
    expect([await ask(other), await ask(sandbox)]).toEqual(['one', 'one']);
    await other.kill();
  }, 30_000);

  test('stays although newer ones are kept, and the pool starts the newest', async () => {
    for (const word of ['three', 'four']) await images.deploy({ ...pooled, word });
    expect(await images.versions('Pooled')).toEqual(['1.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL INACTIVE', '4.0 SUCCESSFUL ACTIVE']);
    await using other = await client.create();
    expect([await ask(other), await ask(sandbox)]).toEqual(['four', 'one']);
    await other.kill();
  }, 30_000);

  test('is deleted by the next deployment after they ended', async () => {
    await sandbox.kill();
    await images.deploy({ ...pooled, word: 'five' });
    expect(await images.versions('Pooled')).toEqual(['4.0 SUCCESSFUL INACTIVE', '5.0 SUCCESSFUL ACTIVE']);
  }, 30_000);
});

describe('an image that has as many versions as it may have', () => {
  const capped = (word: string) => images.deploy({ stackName: 'Capped', word, image: () => ({ retainVersions: 48 }) });
  const microvms: string[] = [];

  /** As many versions as there may be, each run by a microVM. */
  beforeAll(async () => {
    for (let version = 1; version <= VERSIONS; version++) {
      await capped(`word ${version}`);
      const { microvmId = '' } = await images.microvms.send(new RunMicrovmCommand({ imageIdentifier: images.arn('Capped'), imageVersion: `${version}.0` }));
      microvms.push(microvmId);
    }
  }, 90_000);

  test('fails to get another one while microVMs run all of them, and says which', async () => {
    const [reason] = await images.failures('Capped', () => capped('more'));
    expect(reason).toContain('Image Capped has as many versions as it may have (quota L-F8BECE9C), and microVMs that are not terminated keep them: '
      + 'version 1.0 by 1, 2.0 by 1, 3.0 by 1. End those microVMs, or wait until they end, and deploy again.');
    expect(await images.versions('Capped')).toHaveLength(VERSIONS);
  }, 30_000);

  test('gets another one in the place of the oldest that nobody runs', async () => {
    await images.microvms.send(new TerminateMicrovmCommand({ microvmIdentifier: microvms[1] }));
    expect(await capped('more')).toMatchObject({ imageVersion: '4.0' });
    expect(await images.versions('Capped')).toEqual(['1.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL INACTIVE', '4.0 SUCCESSFUL ACTIVE']);
  }, 30_000);
});

test('all of this was allowed', () => {
  expect(images.cloud.denials).toEqual([]);
});

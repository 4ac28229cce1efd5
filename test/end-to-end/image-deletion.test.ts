import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, GetMicrovmImageVersionCommand, RunMicrovmCommand,
  SuspendMicrovmCommand, UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { Duration } from 'aws-cdk-lib';
import { eventually } from './deployed';
import { ImageCloud, serverThat, type SmallStack } from './image-stacks';

let images: ImageCloud;
beforeAll(async () => {
  // Long enough for a deletion to be met under way.
  images = await ImageCloud.start({ timeScale: 0.1 });
  await images.deploy({ stackName: 'Stuck' });
}, 60_000);
afterAll(() => images.stop());

const there = () => images.cloud.inventory().images;

/** What another image or version is made of: the first version of `Stuck`. */
async function configuration() {
  const { buildRoleArn, baseImageArn, codeArtifact, resources, logging } = await images.microvms.send(
    new GetMicrovmImageVersionCommand({ imageIdentifier: images.arn('Stuck'), imageVersion: '1.0' }),
  );
  return { buildRoleArn, baseImageArn, codeArtifact, resources, logging };
}

/** An image that no stack made. */
async function makeImage(name: string): Promise<void> {
  await images.microvms.send(new CreateMicrovmImageCommand({ ...await configuration(), name }));
  await eventually(async () => (await images.versions(name))[0] === '1.0 SUCCESSFUL ACTIVE', 'the image is built');
}

const HANGING = { port: 8080, ready: { timeout: Duration.hours(1) } };

describe('a build that hangs', () => {
  test('fails its stack in words, which is deleted once the build has ended', async () => {
    const small: SmallStack = { stackName: 'Hung', image: () => ({ hooks: HANGING }) };
    images.cloud.faults.hangHook({ hook: 'ready', image: 'Hung' });
    const reasons = await images.passTime(images.failures('Hung', () => images.deploy(small)));
    expect(reasons).toEqual([expect.stringMatching(/Gave up after 4\d minutes: version 1\.0 of image Hung is still being built after 4\d minutes\. The platform cannot cancel/)]);
    expect(reasons[0]).toContain('log group /aws/lambda-microvms/Hung');
    expect(there()).toEqual(['Stuck']);
    expect(images.cloud.inventory().stacks).toEqual(['Stuck']);
  }, 60_000);

  test('holds up the deletion of its image, which says so, and goes on where it stopped', async () => {
    images.cloud.faults.hangHook({ hook: 'ready', image: 'Stuck' });
    await images.microvms.send(new UpdateMicrovmImageCommand({
      ...await configuration(),
      imageIdentifier: images.arn('Stuck'),
      hooks: { port: 8080, microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 3600 } },
    }));
    const destroy = () => images.cloud.destroy('Stuck');
    const [reason] = await images.passTime(images.failures('Stuck', destroy));
    expect(reason).toMatch(/Gave up after 4\d minutes: version 2\.0 of the image is being built since 4\d minutes; the platform can neither cancel a build nor/);
    expect(reason).toContain('When the build has ended: delete the stack again: the deletion goes on where this one stopped.');
    expect(await images.passTime(images.failures('Stuck', destroy))).toEqual([]);
    expect(images.cloud.inventory()).toMatchObject({ images: [], stacks: [], buckets: {} });
    await images.deploy({ stackName: 'Stuck' });
  }, 60_000);
});

test('a deletion ends the microVMs, no more than eight a second, and waits until the image is gone', async () => {
  const COUNT = 10;
  await images.deploy({ stackName: 'Drained', files: serverThat('response.end()') });
  const microvms: string[] = [];
  for (let index = 0; index < COUNT; index++) {
    // The service takes five a second; the SDK comes again.
    const { microvmId = '' } = await images.microvms.send(new RunMicrovmCommand({ imageIdentifier: images.arn('Drained') }));
    microvms.push(microvmId);
    if (index % 5 === 4) await images.cloud.clock.advance({ seconds: 1 });
  }
  await eventually(() => images.cloud.microvms.list().microvms.filter(({ state }) => state === 'RUNNING').length >= COUNT, 'all run');
  await images.microvms.send(new SuspendMicrovmCommand({ microvmIdentifier: microvms[0] }));

  const terminations = new Map<string, number>();
  images.meanwhile.beforeCall = async ({ action, resource }) => {
    if (action === 'lambda:TerminateMicrovm' && resource.includes(':microvm:') && !terminations.has(resource)) terminations.set(resource, Date.now());
  };
  const reasons = await images.failures('Drained', () => images.cloud.destroy('Drained'));
  images.meanwhile.beforeCall = undefined;
  expect(reasons).toEqual([]);
  const times = [...terminations.values()];
  expect(times).toHaveLength(COUNT);
  expect(times[COUNT - 1] - times[0]).toBeGreaterThanOrEqual((COUNT - 1) * 125 * 0.9);
  expect(images.cloud.inventory()).toMatchObject({ microvms: [], images: ['Stuck'] });
}, 60_000);

describe('a name', () => {
  test('that an image has which is being deleted is waited for', async () => {
    await makeImage('Reserved');
    images.meanwhile.beforeCall = async ({ action, resource }) => {
      if (action !== 'lambda:GetMicrovmImage' || resource !== images.arn('Reserved')) return;
      images.meanwhile.beforeCall = undefined;
      await images.microvms.send(new DeleteMicrovmImageCommand({ imageIdentifier: images.arn('Reserved') }));
    };
    expect(await images.deploy({ stackName: 'Reserved' })).toMatchObject({ imageVersion: '1.0' });
    expect(images.meanwhile.beforeCall).toBeUndefined();
    await images.cloud.destroy('Reserved');
  }, 60_000);

  test('fails if an image of somebody else has it, which stays', async () => {
    await makeImage('Taken');
    const [reason] = await images.failures('Taken', () => images.deploy({ stackName: 'Taken' }));
    expect(reason).toContain('ImageName: the account has an image Taken in this Region that this stack did not make.');
    expect(await images.versions('Taken')).toEqual(['1.0 SUCCESSFUL ACTIVE']);
  }, 60_000);
});

describe('the quota of concurrent builds', () => {
  test('is waited out', async () => {
    images.cloud.faults.exceedQuota({ operation: 'UpdateMicrovmImage', times: 3 });
    expect(await images.deploy({ stackName: 'Stuck', word: 'more' })).toMatchObject({ imageVersion: '2.0' });
  }, 60_000);

  test('is told when the wait is in vain', async () => {
    images.cloud.faults.exceedQuota({ operation: 'UpdateMicrovmImage', rate: 1 });
    const [reason] = await images.passTime(images.failures('Stuck', () => images.deploy({ stackName: 'Stuck', word: 'still more' })));
    images.cloud.faults.clear();
    expect(reason).toMatch(/Gave up after 4\d minutes: the service answers UpdateMicrovmImage with "ServiceQuotaExceededException: Account \d+ has reached the maximum number of concurrent builds allowed"/);
    expect(reason).toContain('raise the quota L-72E0D058');
    expect(await images.versions('Stuck')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
  }, 60_000);
});

test('throttles and failures of the service are got over', async () => {
  const { faults } = images.cloud;
  for (const operation of ['UpdateMicrovmImage', 'UpdateMicrovmImageVersion', 'TagResource']) faults.throttle({ operation });
  faults.fail({ operation: 'GetMicrovmImageVersion' });
  expect(await images.deploy({ stackName: 'Stuck', word: 'at last' })).toMatchObject({ imageVersion: '3.0' });
  faults.throttle({ operation: 'ListMicrovms' });
  faults.fail({ operation: 'DeleteMicrovmImage' });
  expect(await images.failures('Stuck', () => images.cloud.destroy('Stuck'))).toEqual([]);
  expect(there()).toEqual(['Taken']);
}, 60_000);

test('nothing of this was denied', () => {
  expect(images.cloud.denials).toEqual([]);
});

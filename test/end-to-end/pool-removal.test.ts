import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf } from './deployed';
import { NOTHING_LEFT } from '../local/nothing-left';

let cloud: LocalCloud;
let pool: string;

/** A pool for two sandboxes of one of two images, which are another stack's. */
function synthesize(imageOfPool: 'Image' | 'Other'): string {
  const app = new App();
  const images = new Stack(app, 'Images');
  const made = { Image: new SandboxImage(images, 'Image'), Other: new SandboxImage(images, 'Other') };
  const stack = new Stack(app, 'Pools');
  const { allocatorArn } = new SandboxPool(stack, 'Pool', { image: made[imageOfPool], maxSandboxes: 2 });
  new CfnOutput(stack, 'SandboxPool', { value: allocatorArn });
  return app.synth().directory;
}

beforeAll(async () => {
  // A microVM is there for 0.6 s after it was asked to end.
  cloud = await startLocalCloud({ quotas: true, timeScale: 0.2 });
  const deployed = await cloud.deploy(synthesize('Image'));
  pool = deployed.flatMap(({ outputs }) => outputs.SandboxPool ?? [])[0];
}, 120_000);
afterAll(() => cloud.stop());

test('a pool runs the current version of an image of another stack', async () => {
  await using client = clientOf(cloud, pool);
  await using sandbox = await client.create();
  expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
}, 60_000);

/** The images that could not be deleted now. */
const imagesInUse = () => cloud.microvms.list().microvms.filter(({ state }) => state !== 'TERMINATED').map(({ imageArn }) => imageArn);

test('a pool that is given another image ends the sandboxes of the former, which free their places', async () => {
  await using client = clientOf(cloud, pool);
  await client.create();
  await (await client.create()).pause();
  const [former, ...others] = imagesInUse();
  expect(others).toEqual([former]);

  await cloud.deploy(synthesize('Other'), { stacks: ['Pools'] });
  expect(imagesInUse()).toEqual([]);
  await using sandbox = await client.create();
  expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
  expect(imagesInUse()).toEqual([expect.not.stringContaining(former)]);
  expect(cloud.denials).toEqual([]);
}, 120_000);

test('a pool that is deleted ends its sandboxes, paused ones too, and leaves the image', async () => {
  await using client = clientOf(cloud, pool);
  await client.create();
  await (await client.create()).pause();
  expect(cloud.inventory().microvms).toHaveLength(2);

  await cloud.destroy('Pools');
  expect(cloud.inventory()).toMatchObject({ microvms: [], stacks: ['Images'] });
  await cloud.destroy('Images');
  expect(cloud.inventory()).toEqual(NOTHING_LEFT);
  expect(cloud.denials).toEqual([]);
}, 120_000);

import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf } from './deployed';
import { NOTHING_LEFT } from '../local/nothing-left';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

let cloud: LocalCloud;
let pool: string;

beforeAll(async () => {
  const app = new App();
  const image = new SandboxImage(new Stack(app, 'Images'), 'Image');
  const stack = new Stack(app, 'Pools');
  new CfnOutput(stack, 'SandboxPool', { value: new SandboxPool(stack, 'Pool', { image }).allocatorArn });
  cloud = await startLocalCloud({ quotas: true });
  const deployed = await cloud.deploy(app.synth().directory);
  pool = deployed.flatMap(({ outputs }) => outputs.SandboxPool ?? [])[0];
}, 120_000);
afterAll(() => cloud.stop());

test('a pool runs the current version of an image of another stack', async () => {
  await using client = clientOf(cloud, pool);
  await using sandbox = await client.create();
  expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
}, 60_000);

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

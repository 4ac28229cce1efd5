import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxPool } from 'cdk-microvm-sandbox';
import { type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf, eventually } from './deployed';

let cloud: LocalCloud;
let pool: string;

beforeAll(async () => {
  const stack = new Stack(new App(), 'Abandoned');
  new CfnOutput(stack, 'SandboxPool', { value: new SandboxPool(stack, 'Pool', { maxSandboxes: 1 }).allocatorArn });
  cloud = await startLocalCloud({ quotas: true });
  const [deployed] = await cloud.deploy((stack.node.root as App).synth().directory);
  pool = deployed.outputs.SandboxPool;
}, 60_000);
afterAll(() => cloud.stop());

const living = () => cloud.inventory().microvms;

test('the keeper leaves nothing running of a launch whose allocator died before it had the answer', async () => {
  cloud.faults.loseAnswer({ operation: 'RunMicrovm', times: 10 });
  const invocation = cloud.invoke(pool, { version: 1, operation: 'create' });
  const running = () => cloud.microvms.list().microvms.some(({ state }) => state === 'RUNNING');
  await eventually(running, 'the microVM is there and its allocator does not know');

  await cloud.clock.advance({ seconds: 61 });
  expect(await invocation).toMatchObject({ functionError: 'Unhandled', payload: { errorMessage: expect.stringMatching(/timed out/) } });
  expect(living()).toHaveLength(1);
  cloud.faults.clear();

  await cloud.clock.advance({ minutes: 2 });
  await eventually(() => living().length === 0, 'the keeper has terminated it');
}, 60_000);

test('and the place is free again', async () => {
  await using client = clientOf(cloud, pool);
  await using sandbox = await client.create();
  expect((await sandbox.commands.run('echo here')).stdout).toBe('here\n');
}, 60_000);

test('the keeper ends a sandbox whose lease is over, and its place is free again', async () => {
  await eventually(() => living().length === 0, 'the sandbox before has ended');
  await using client = clientOf(cloud, pool);
  const sandbox = await client.create({ timeoutMs: 60_000 });
  expect(living()).toHaveLength(1);

  await cloud.clock.advance({ minutes: 3 });
  await eventually(() => living().length === 0, 'the keeper has terminated it');
  await expect(client.connect(sandbox.sandboxId)).rejects.toMatchObject({ code: 'sandbox_terminated', message: expect.stringMatching(/lease/) });
  await using next = await client.create();
  expect(next.sandboxId).not.toBe(sandbox.sandboxId);
}, 60_000);

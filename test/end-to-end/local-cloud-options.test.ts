import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GetMicrovmImageVersionCommand, RunMicrovmCommand, SuspendMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import { type CloudEvent, type LocalCloud, type LocalCloudOptions, startLocalCloud } from 'microvm-sandbox-local';
import { CloudUser } from '../local/cloud-user';
import { inlineFunction, removeAssemblies, synthesize } from '../local/deploy/synthesized';
import { guest } from '../local/microvms/guests';
import { describeNamespaces } from '../local/microvms/isolations';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const SMALL = { resources: [{ minimumMemoryInMiB: 512 }] };

let cloud: LocalCloud;
let user: CloudUser;
let events: CloudEvent[];

async function start(options: LocalCloudOptions): Promise<void> {
  events = [];
  cloud = await startLocalCloud({ isolation: 'processes', timeScale: 0, onEvent: (event) => events.push(event), ...options });
  user = new CloudUser(cloud.environment);
}

afterEach(async () => {
  user.close();
  await cloud.stop();
  removeAssemblies();
});

const run = (imageIdentifier: string) => user.microvms.send(new RunMicrovmCommand({ imageIdentifier }));
const MEMORY_FULL = { name: 'ServiceQuotaExceededException', $metadata: { httpStatusCode: 402 } };

test('quotas: the microVM that goes beyond the memory is refused with 402', async () => {
  await start({ quotas: { memoryMib: 1024 } });
  const image = await user.buildImage('small', SLEEPER, SMALL);
  await run(image);
  await run(image);
  await expect(run(image)).rejects.toMatchObject(MEMORY_FULL);
});

test('quotas: those of a new account hold with one of them replaced', async () => {
  await start({ quotas: { defaults: true, rates: { RunMicrovm: 100 } } });
  const microvmIdentifier = 'microvm-00000000-0000-0000-0000-000000000000';
  const suspend = () => (
    user.microvms.send(new SuspendMicrovmCommand({ microvmIdentifier })).catch((error: Error) => error.name)
  );
  expect([await suspend(), await suspend(), await suspend()]).toEqual(['ResourceNotFoundException', 'ResourceNotFoundException', 'ThrottlingException']);
});

test('memoryCounting: by the peak four times the size counts, and what is above the quota already refuses', async () => {
  await start({ quotas: { memoryMib: 2048 }, memoryCounting: 'peak' });
  const image = await user.buildImage('small', SLEEPER, SMALL);
  await run(image);
  await run(image);
  await expect(run(image)).rejects.toMatchObject(MEMORY_FULL);
});

test.each([['exact', 'TERMINATED'], ['lazy', 'SUSPENDED']] as const)('suspendedExpiry: %s leaves a microVM that was suspended for too long %s', async (suspendedExpiry, state) => {
  await start({ suspendedExpiry });
  const idlePolicy = { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 60, autoResumeEnabled: false };
  const { id } = await user.run(await user.buildImage('small', SLEEPER, SMALL), { idlePolicy });
  await user.microvms.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
  await user.untilState(id, 'SUSPENDED');
  await cloud.clock.advance({ seconds: 61 });
  await user.untilState(id, state);
});

test('timeScale: a second of AWS takes as many seconds here', async () => {
  await start({ timeScale: 3600 });
  const image = await user.createImage('slow', SLEEPER, { codeArtifact: { uri: 's3://no-such-bucket/a.zip' } });
  await cloud.clock.advance({ minutes: 59 });
  const version = { imageIdentifier: image, imageVersion: '1.0' };
  expect((await user.microvms.send(new GetMicrovmImageVersionCommand(version))).state).toBe('PENDING');
  await cloud.clock.advance({ minutes: 1 });
  await user.until('the build', async () => (await user.imageState(image)) === 'CREATE_FAILED');
});

test.each([
  [true, 1_400_000, 390, 60_000],
  [undefined, 12_000_000, 0, 9000],
])('bandwidth: %s carries %i bytes of a microVM of 512 MiB in %i to %i milliseconds', async (bandwidth, bytes, atLeast, atMost) => {
  await start({ bandwidth });
  const files = guest('listen(8080, (request, response) => response.end(\'x\'.repeat(Number(request.url.slice(1)))));');
  const { id, endpoint } = await user.run(await user.buildImage('large-answers', files, SMALL));
  const read = await user.reader(id, endpoint);
  const before = cloud.clock.now();
  expect((await read(`/${bytes}`)).length).toBe(bytes);
  const took = cloud.clock.now() - before;
  expect(took).toBeGreaterThanOrEqual(atLeast);
  expect(took).toBeLessThan(atMost);
});

test.each([[0, 1], [1, 2], [undefined, 3]])('spares: with %s of them there are %i machines for one microVM of two images', async (spares, machines) => {
  await start({ spares });
  const images = [await user.buildImage('one', SLEEPER, SMALL), await user.buildImage('two', SLEEPER, SMALL)];
  await user.run(images[1]);
  const count = (): number => readdirSync(join(cloud.folder, 'microvms', 'machines')).length;
  await user.until('the machines', () => count() === machines);
});

test('authorize: what it does not allow is refused, told and kept', async () => {
  await start({ authorize: async ({ action }) => ({ allowed: action !== 'sts:AssumeRole' }) });
  const assembly = synthesize((scope) => void inlineFunction(scope, 'Handler', 'exports.handler = async () => 1'));
  await expect(cloud.deploy(assembly)).rejects.toThrow('cannot be assumed by Lambda');
  expect(cloud.denials).toMatchObject([{ action: 'sts:AssumeRole', principal: 'lambda.amazonaws.com' }]);
  expect(events.filter(({ kind }) => kind === 'denied')).toEqual(cloud.denials);
});

describeNamespaces(() => {
  const DOCKERFILE = 'FROM scratch\nWORKDIR /workspace\nCOPY guest.js /opt/guest.js\nRUN echo made > /opt/made\nCMD ["node", "/opt/guest.js"]\n';
  const files = guest('listen(8080, (request, response) => response.end(fs.existsSync(\'/opt/made\') ? \'made\' : \'nothing\'));', DOCKERFILE);

  test.each([[true, 'made', 0], [undefined, 'nothing', 1]])('runSteps: %s leaves %s of a RUN step, and %i warnings', async (runSteps, left, warnings) => {
    await start({ isolation: 'namespaces', runSteps });
    const { id, endpoint } = await user.run(await user.buildImage('steps', files, SMALL));
    const read = await user.reader(id, endpoint);
    expect(await read('/')).toBe(left);
    const told = events.filter((event) => event.kind === 'warning' && event.message.includes('left out: RUN echo made'));
    expect(told).toHaveLength(warnings);
  });
});

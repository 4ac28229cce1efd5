import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, DeleteMicrovmImageVersionCommand, GetMicrovmImageCommand,
  ListMicrovmImageBuildsCommand, ListMicrovmsCommand, ResumeMicrovmCommand, RunMicrovmCommand,
  SuspendMicrovmCommand, TerminateMicrovmCommand, UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';
import { FileDisposal } from '../../../local/src/state/file-disposal';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const ALWAYS = { timeScale: 0, keepImages: true };

let cloud: MicrovmCloud;
let next: MicrovmCloud | undefined;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-'));
  cloud = await new MicrovmCloud('processes', undefined, { ...ALWAYS, folder }).open();
});
afterEach(async () => {
  await cloud.close();
  await next?.close();
  next = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** A new service with the state that the old one had before it ended. */
async function restart(): Promise<MicrovmCloud> {
  const state = JSON.parse(JSON.stringify(cloud.service.save())) as { images: { id: string }[] };
  await cloud.close();
  // What a build leaves that breaks off in the middle.
  for (const { id } of state.images) await mkdir(join(folder, 'images', id, '9', 'build-half'), { recursive: true });
  next = await new MicrovmCloud('processes', undefined, { ...ALWAYS, folder }).open();
  for (const [key, object] of cloud.objects) next.objects.set(key, object);
  await next.service.restore(state);
  return next;
}

async function versionFolders(): Promise<string[]> {
  const images = await readdir(join(folder, 'images')).catch(() => []);
  return (await Promise.all(images.map((image) => readdir(join(folder, 'images', image))))).flat().sort();
}

test('images are the same after a restart, with tags and versions, and can be run', async () => {
  const imageIdentifier = await cloud.createImage('kept', SLEEPER, { tags: { team: 'a' }, environmentVariables: { A: 'b' } });
  const before = await cloud.raw('GET', `/2025-09-09/microvm-images/${imageIdentifier}`);
  const version = await cloud.raw('GET', `/2025-09-09/microvm-images/${imageIdentifier}/versions/1.0`);
  const after = await restart();
  expect((await after.raw('GET', `/2025-09-09/microvm-images/${imageIdentifier}`)).body).toBe(before.body);
  expect((await after.raw('GET', `/2025-09-09/microvm-images/${imageIdentifier}/versions/1.0`)).body).toBe(version.body);
  await after.run(imageIdentifier);
  const second = await after.createImage('second', SLEEPER);
  const { items } = JSON.parse((await after.raw('GET', '/2025-09-09/microvm-images')).body) as { items: { imageArn: string }[] };
  expect(items.map(({ imageArn }) => imageArn)).toEqual([imageIdentifier, second]);
});

test('microVMs that were alive are TERMINATED, and keep their ids', async () => {
  const image = await cloud.createImage('alive', SLEEPER);
  const running = await cloud.run(image);
  const suspended = await cloud.run(image);
  const ended = await cloud.run(image);
  await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: suspended.id }));
  await cloud.untilState(suspended.id, 'SUSPENDED');
  await cloud.terminate(ended.id);
  const after = await restart();
  for (const { id, endpoint } of [running, suspended]) {
    expect(await after.microvm(id)).toMatchObject({
      endpoint, state: 'TERMINATED', stateReason: 'Internal service error.', terminatedAt: expect.any(Date), imageArn: image,
    });
    expect((await after.fetch(endpoint, '/')).status).toBe(403);
    await expect(after.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }))).rejects.toThrow('has been terminated');
    await after.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
  }
  expect(await after.microvm(ended.id)).toMatchObject({ stateReason: 'Success.' });
  const list = (more: object) => after.client.send(new ListMicrovmsCommand(more));
  expect((await list({ imageIdentifier: image })).items).toHaveLength(3);
  expect(after.service.imageOf(running.id)).toEqual({ imageArn: image, tags: {} });
  const started = await after.run(image);
  const { items: all = [] } = await list({});
  expect(all.map(({ microvmId }) => microvmId)).toEqual([running.id, suspended.id, ended.id, started.id]);
  await after.terminate(started.id);
  await after.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: image }));
});

test('client tokens are remembered', async () => {
  const image = await cloud.createImage('tokens', SLEEPER, { clientToken: 'create' });
  const run = (target: MicrovmCloud, more: object = {}) => target.client.send(new RunMicrovmCommand({
    imageIdentifier: image, clientToken: 'run', ...more,
  }));
  const { microvmId } = await run(cloud);
  const after = await restart();
  expect(await run(after)).toMatchObject({ microvmId, state: 'TERMINATED' });
  await expect(run(after, { maximumDurationInSeconds: 60 })).rejects.toMatchObject({ name: 'ConflictException' });
  const create = { name: 'tokens', baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/tokens.zip' }, clientToken: 'create' };
  expect(await after.client.send(new CreateMicrovmImageCommand(create))).toMatchObject({ imageArn: image, state: 'CREATING' });
});

test('builds that were under way have failed, and what they left is gone', async () => {
  const imageIdentifier = await cloud.createImage('building', SLEEPER);
  const update = { imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/building.zip' } };
  await cloud.client.send(new UpdateMicrovmImageCommand(update));
  const { imageArn = '' } = await cloud.client.send(new CreateMicrovmImageCommand({ ...update, name: 'new' }));
  const after = await restart();
  const get = (target: string) => after.client.send(new GetMicrovmImageCommand({ imageIdentifier: target }));
  expect(await get(imageIdentifier)).toMatchObject({ state: 'UPDATE_FAILED', latestActiveImageVersion: '1.0', latestFailedImageVersion: '2.0' });
  expect(await get(imageArn)).toMatchObject({ state: 'CREATE_FAILED' });
  expect(await after.version(imageIdentifier, '2.0')).toMatchObject({ state: 'FAILED', status: 'INACTIVE' });
  const { items = [] } = await after.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '2.0' }));
  expect(items.map(({ buildState, stateReason }) => [buildState, stateReason])).toEqual(
    ['4', '3'].map(() => ['FAILED', expect.stringContaining('INTERNAL_PLATFORM_ERROR')]),
  );
  expect(await versionFolders()).toEqual(['1']);
  await after.client.send(new UpdateMicrovmImageCommand(update));
  await after.until('the update', async () => (await after.imageState(imageIdentifier)) === 'UPDATED');
  expect(await get(imageIdentifier)).toMatchObject({ latestActiveImageVersion: '3.0' });
});

test('deletions that were under way are completed', async () => {
  await cloud.close();
  cloud = await new MicrovmCloud('processes', undefined, { ...ALWAYS, folder, timeScale: 10 }).open();
  const create = (name: string): Promise<string> => cloud.passing(cloud.createImage(name, SLEEPER), 10);
  const gone = await create('gone');
  const imageIdentifier = await create('pruned');
  const update = { imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/pruned.zip' } };
  await cloud.client.send(new UpdateMicrovmImageCommand(update));
  await cloud.passing(cloud.until('the update', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATED'), 10);
  await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: gone }));
  await cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }));
  const after = await restart();
  expect(after.service.list().images).toEqual(['pruned']);
  expect(await after.imageState(imageIdentifier)).toBe('UPDATED');
  await expect(after.version(imageIdentifier, '1.0')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect(await versionFolders()).toEqual(['2']);
  await after.run(imageIdentifier);
});

test('a version whose files are lost has failed', async () => {
  const imageIdentifier = await cloud.createImage('lost', SLEEPER);
  const state: unknown = JSON.parse(JSON.stringify(cloud.service.save()));
  await rm(join(folder, 'images'), { recursive: true });
  next = await new MicrovmCloud('processes', undefined, { ...ALWAYS, folder }).open();
  await next.service.restore(state);
  expect(await next.version(imageIdentifier)).toMatchObject({ state: 'FAILED' });
  await expect(next.client.send(new RunMicrovmCommand({ imageIdentifier }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('files of what was deleted stay until the state that does not name them is written', async () => {
  await cloud.close();
  const disposal = new FileDisposal(true);
  let changes = 0;
  const onChange = (): void => void ++changes;
  cloud = await new MicrovmCloud('processes', undefined, { ...ALWAYS, folder, disposal, onChange }).open();
  const gone = await cloud.createImage('gone', SLEEPER);
  const imageIdentifier = await cloud.createImage('pruned', SLEEPER);
  await cloud.until('the builds', () => changes === 2);
  const update = { imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/pruned.zip' } };
  await cloud.client.send(new UpdateMicrovmImageCommand(update));
  await cloud.until('the update', () => changes === 3);
  await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: gone }));
  await cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }));
  await cloud.until('the deletions', () => changes === 5);
  expect(cloud.service.list().images).toEqual(['pruned']);
  expect(await versionFolders()).toEqual(['1', '1', '2']);
  await disposal.take()();
  expect(await versionFolders()).toEqual(['2']);
});

test('without keepImages no file is left after close', async () => {
  const plain = await new MicrovmCloud('processes', undefined, { timeScale: 0, folder: join(folder, 'plain') }).open();
  await plain.createImage('gone', SLEEPER);
  await plain.close();
  expect(existsSync(join(folder, 'plain', 'images'))).toBe(false);
  await cloud.createImage('kept', SLEEPER);
  await cloud.service.close();
  expect(existsSync(join(folder, 'images'))).toBe(true);
});

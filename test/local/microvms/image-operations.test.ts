import { readdir } from 'node:fs/promises';
import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, DeleteMicrovmImageVersionCommand,
  GetMicrovmImageBuildCommand, GetMicrovmImageCommand, GetMicrovmImageVersionCommand,
  ListManagedMicrovmImagesCommand, ListManagedMicrovmImageVersionsCommand, ListMicrovmImageBuildsCommand,
  ListMicrovmImageVersionsCommand, ListTagsCommand, RunMicrovmCommand, TagResourceCommand,
  UntagResourceCommand, UpdateMicrovmImageCommand, type UpdateMicrovmImageRequest, UpdateMicrovmImageVersionCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, REGION, ROLE } from './microvm-cloud';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const BROKEN = { Dockerfile: 'FROM scratch\nCMD ["no-such-program"]\n' };
const arnOf = (name: string, account = ACCOUNT): string => `arn:aws:lambda:${REGION}:${account}:microvm-image:${name}`;
const UNKNOWN = arnOf('unknown');

let cloud: MicrovmCloud;
beforeEach(async () => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0 }).open();
});
afterEach(() => cloud.close());

const input = (uri: string, more: Partial<UpdateMicrovmImageRequest> = {}) => (
  { baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri }, ...more }
);
const settled = (imageIdentifier: string) => cloud.until('a settled image', async () => (
  !(await cloud.imageState(imageIdentifier))?.endsWith('ING')
));

async function update(
  imageIdentifier: string,
  files: Record<string, string> = SLEEPER,
  more: Partial<UpdateMicrovmImageRequest> = {},
) {
  const uri = await cloud.putArtifact('update.zip', files);
  const answer = await cloud.client.send(new UpdateMicrovmImageCommand({ imageIdentifier, ...input(uri), ...more }));
  await settled(imageIdentifier);
  return answer;
}

/** Body of an answer as it stands on the wire. */
async function wire(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  return JSON.parse((await cloud.raw(method, path, body ? JSON.stringify(body) : '')).body) as Record<string, unknown>;
}

describe('answers', () => {
  test('of every image operation hold every member, unset ones as null', async () => {
    const imageArn = await cloud.createImage('members', SLEEPER);
    const path = `/2025-09-09/microvm-images/${imageArn}`;
    const image = ['createdAt', 'id', 'imageArn', 'latestActiveImageVersion', 'latestFailedImageVersion', 'name', 'state'];
    expect(Object.keys(await wire('GET', path)).sort()).toEqual([...image, 'tags', 'updatedAt'].sort());
    const listed = await wire('GET', '/2025-09-09/microvm-images') as { items: object[]; nextToken: unknown };
    expect(Object.keys(listed.items[0]).sort()).toEqual(image);
    expect(listed.nextToken).toBeNull();
    const configuration = ['additionalOsCapabilities', 'baseImageArn', 'baseImageVersion', 'buildRoleArn', 'codeArtifact', 'cpuConfigurations',
      'description', 'egressNetworkConnectors', 'environmentVariables', 'hooks', 'logging', 'resources'];
    const version = [...configuration, 'createdAt', 'imageArn', 'imageVersion', 'state', 'stateReason', 'status', 'tags', 'updatedAt',
      'versionStateTimeBucket'].sort();
    expect(Object.keys(await wire('GET', `${path}/versions/1.0`)).sort()).toEqual(version);
    expect(Object.keys((await wire('GET', `${path}/versions`) as { items: object[] }).items[0]).sort()).toEqual(version);
    const build = ['architecture', 'buildId', 'buildState', 'chipset', 'chipsetGeneration', 'createdAt', 'imageArn', 'imageVersion', 'stateReason',
      'terminationReasonCode'];
    const builds = await wire('GET', `${path}/versions/1.0/builds`) as { items: { buildId: string }[] };
    expect(Object.keys(builds.items[0]).sort()).toEqual(build);
    expect(Object.keys(await wire('GET', `${path}/versions/1.0/builds/${builds.items[0].buildId}`)).sort()).toEqual([...build, 'snapshotBuild'].sort());
    const request = input('s3://artifacts/members.zip');
    const built = [...configuration, ...image, 'buildPhaseOverrides', 'imageVersion', 'roleConfiguration', 'updatedAt'].sort();
    expect(Object.keys(await wire('PUT', path, request)).sort()).toEqual(built);
    expect(Object.keys(await wire('POST', '/2025-09-09/microvm-images', { name: 'two', ...request })).sort()).toEqual([...built, 'tags'].sort());
    await settled(arnOf('two'));
    expect(await wire('DELETE', `/2025-09-09/microvm-images/${arnOf('two')}`)).toEqual({ imageIdentifier: arnOf('two'), state: 'DELETING' });
  });

  test('to CreateMicrovmImage fill in what the service fills in', async () => {
    const uri = await cloud.putArtifact('defaults.zip', SLEEPER);
    const created = await cloud.client.send(new CreateMicrovmImageCommand({ name: 'defaults', ...input(uri), tags: { team: 'a' } }));
    expect(created).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      imageArn: arnOf('defaults'),
      imageVersion: '1.0',
      baseImageVersion: '1.0',
      state: 'CREATING',
      egressNetworkConnectors: [`arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector:INTERNET_EGRESS`],
      resources: [{ minimumMemoryInMiB: 2048 }],
      tags: { team: 'a' },
    });
    expect(created.createdAt).toBeInstanceOf(Date);
    await settled(arnOf('defaults'));
  });

  test('repeat what a request said, with null for each member that it left out', async () => {
    const given = {
      ...input(await cloud.putArtifact('nested.zip', SLEEPER)),
      logging: { cloudWatch: { logGroup: '/aws/lambda-microvms/nested' } },
      hooks: { port: 8080, microvmImageHooks: { ready: 'DISABLED' } },
    };
    const nested = {
      logging: { cloudWatch: { logGroup: '/aws/lambda-microvms/nested', logStream: null }, disabled: null },
      hooks: {
        port: 8080,
        microvmHooks: null,
        microvmImageHooks: { ready: 'DISABLED', readyTimeoutInSeconds: null, validate: null, validateTimeoutInSeconds: null },
      },
    };
    expect(await wire('POST', '/2025-09-09/microvm-images', { name: 'nested', ...given })).toMatchObject(nested);
    await settled(arnOf('nested'));
    const path = `/2025-09-09/microvm-images/${arnOf('nested')}`;
    expect(await wire('GET', `${path}/versions/1.0`)).toMatchObject(nested);
    expect((await cloud.version(arnOf('nested'))).logging).toEqual(given.logging);
    expect(await wire('PUT', path, { ...given, logging: { disabled: {} } })).toMatchObject({ logging: { cloudWatch: null, disabled: {} } });
    await settled(arnOf('nested'));
    expect((await cloud.version(arnOf('nested'), '2.0')).logging).toEqual({ disabled: {} });
  });

  test('to UpdateMicrovmImage replace every member', async () => {
    const imageArn = await cloud.createImage('replaced', SLEEPER, { description: 'first', environmentVariables: { A: 'b' } });
    expect(await update(imageArn, SLEEPER, { baseImageVersion: '0', resources: [{ minimumMemoryInMiB: 512 }] })).toMatchObject({
      $metadata: { httpStatusCode: 200 }, imageVersion: '2.0', state: 'UPDATING', latestActiveImageVersion: '1.0', baseImageVersion: '0.0',
    });
    const version = await cloud.client.send(new GetMicrovmImageVersionCommand({ imageIdentifier: imageArn, imageVersion: '2.0' }));
    expect(version).toMatchObject({ state: 'SUCCESSFUL', status: 'ACTIVE', resources: [{ minimumMemoryInMiB: 512 }] });
    expect(version.description).toBeUndefined();
    expect(version.environmentVariables).toBeUndefined();
    expect(await cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }))).toMatchObject({
      state: 'UPDATED', latestActiveImageVersion: '2.0',
    });
  });

  test('to the managed images name one image with two versions', async () => {
    const { items: [image] = [] } = await cloud.client.send(new ListManagedMicrovmImagesCommand({}));
    expect(image.imageArn).toBe(BASE_IMAGE);
    const versions = (imageIdentifier: string) => (
      cloud.client.send(new ListManagedMicrovmImageVersionsCommand({ imageIdentifier }))
    );
    const { items = [] } = await versions(BASE_IMAGE);
    expect(items.map(({ imageVersion, status }) => [imageVersion, status])).toEqual([['1', 'AVAILABLE'], ['0', 'AVAILABLE']]);
    await expect(versions(`${BASE_IMAGE}0`)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(versions('al2023-1')).rejects.toThrow('Invalid ARN format: al2023-1');
  });
});

describe('versions', () => {
  test('have two builds; lists leave the environment out', async () => {
    const imageIdentifier = await cloud.createImage('built', SLEEPER, { environmentVariables: { A: 'b' } });
    const { items: versions = [] } = await cloud.client.send(new ListMicrovmImageVersionsCommand({ imageIdentifier }));
    expect(versions).toHaveLength(1);
    expect(versions[0]).not.toHaveProperty('environmentVariables.A');
    const one = await cloud.version(imageIdentifier);
    expect(one.environmentVariables).toEqual({ A: 'b' });
    const { items: builds = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({
      imageIdentifier, imageVersion: '1.0', architecture: 'ARM_64', chipset: 'GRAVITON',
    }));
    expect(builds.map(({ chipset, chipsetGeneration, buildState }) => [chipset, chipsetGeneration, buildState]))
      .toEqual([['GRAVITON', '4', 'SUCCESSFUL'], ['GRAVITON', '3', 'SUCCESSFUL']]);
    const { items: none } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0', chipsetGeneration: '5' }));
    expect(none).toEqual([]);
    const get = (buildId = '') => cloud.client.send(new GetMicrovmImageBuildCommand({ imageIdentifier, imageVersion: '1.0', buildId }));
    expect(await get(builds[1].buildId)).toMatchObject({ chipsetGeneration: '3', snapshotBuild: { memorySnapshotSizeInBytes: 609_087_488 } });
    await expect(get('none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('that failed keep their number, and the image recovers with the next one', async () => {
    const imageIdentifier = await cloud.createImage('failing', SLEEPER);
    await update(imageIdentifier, BROKEN);
    const get = () => cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier }));
    expect(await get()).toMatchObject({ state: 'UPDATE_FAILED', latestActiveImageVersion: '1.0', latestFailedImageVersion: '2.0' });
    expect(await cloud.version(imageIdentifier, '2.0')).toMatchObject({ state: 'FAILED', status: 'INACTIVE' });
    await expect(cloud.client.send(new RunMicrovmCommand({ imageIdentifier, imageVersion: '1.0' })))
      .rejects.toThrow(`No active version found for MicroVM image ${imageIdentifier} and version 1.0`);
    await expect(cloud.client.send(new UpdateMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '2.0', status: 'ACTIVE' })))
      .rejects.toMatchObject({ name: 'ValidationException' });
    expect(await update(imageIdentifier)).toMatchObject({ imageVersion: '3.0' });
    expect(await get()).toMatchObject({ state: 'UPDATED', latestActiveImageVersion: '3.0', latestFailedImageVersion: '2.0' });
  });

  test('are deleted while ACTIVE, one after the other, but not the last', async () => {
    await cloud.close();
    cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0.05 }).open();
    const imageIdentifier = await cloud.createImage('pruned', SLEEPER);
    await update(imageIdentifier);
    await update(imageIdentifier);
    const remove = (imageVersion: string) => (
      cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion }))
    );
    expect(await remove('1.0')).toMatchObject({ imageIdentifier, imageVersion: '1.0', state: 'DELETING' });
    expect(await cloud.imageState(imageIdentifier)).toBe('UPDATING');
    expect(await cloud.version(imageIdentifier, '1.0')).toMatchObject({ state: 'DELETING' });
    await expect(remove('2.0')).rejects.toMatchObject({ name: 'ConflictException', $metadata: { httpStatusCode: 409 } });
    await settled(imageIdentifier);
    await expect(cloud.version(imageIdentifier, '1.0')).rejects.toThrow(`MicroVMImage not found for MicroVMImage: ${imageIdentifier}, Version: 1.0`);
    await remove('3.0');
    await settled(imageIdentifier);
    await expect(remove('2.0')).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringContaining('last version') });
    expect(await update(imageIdentifier)).toMatchObject({ imageVersion: '4.0' });
  });

  test('of running microVMs can be deleted, and the microVMs keep their files', async () => {
    const imageIdentifier = await cloud.createImage('outlived', SLEEPER);
    const { id } = await cloud.run(imageIdentifier);
    await update(imageIdentifier);
    await cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }));
    await settled(imageIdentifier);
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    expect(await versionFolders()).toEqual(['1', '2']);
    await cloud.terminate(id);
    await cloud.until('the files to go', async () => (await versionFolders()).join() === '2');
  });

  test('are not run when INACTIVE, pinned or not, and again when ACTIVE', async () => {
    const imageIdentifier = await cloud.createImage('switched', SLEEPER);
    const { id } = await cloud.run(imageIdentifier, { imageVersion: '1.0' });
    const set = (status: 'ACTIVE' | 'INACTIVE') => cloud.client.send(new UpdateMicrovmImageVersionCommand({
      imageIdentifier, imageVersion: '1.0', status,
    }));
    expect(await set('INACTIVE')).toMatchObject({ $metadata: { httpStatusCode: 200 }, status: 'INACTIVE', state: 'SUCCESSFUL' });
    const refused = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } };
    const run = (imageVersion?: string) => cloud.client.send(new RunMicrovmCommand({ imageIdentifier, imageVersion }));
    await expect(run()).rejects.toMatchObject({ ...refused, message: `No active version found for MicroVM image ${imageIdentifier}` });
    await expect(run('1.0')).rejects.toMatchObject({ ...refused, message: `No active version found for MicroVM image ${imageIdentifier} and version 1.0` });
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    await set('ACTIVE');
    await cloud.run(imageIdentifier);
  });
});

async function versionFolders(): Promise<string[]> {
  const [image] = await readdir(`${cloud.folder}/images`);
  return (await readdir(`${cloud.folder}/images/${image}`)).sort();
}

describe('deletion of an image', () => {
  test('ends with its name free', async () => {
    const imageIdentifier = await cloud.createImage('gone', SLEEPER);
    const remove = () => cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }));
    expect(await remove()).toMatchObject({ imageIdentifier, state: 'DELETING' });
    await cloud.until('the deletion', () => cloud.service.list().images.length === 0);
    await expect(remove()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await cloud.createImage('gone', SLEEPER);
  });

  test('fails while a microVM of it is not TERMINATED', async () => {
    const imageIdentifier = await cloud.createImage('used', SLEEPER);
    const { id } = await cloud.run(imageIdentifier);
    const remove = () => cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }));
    await expect(remove()).rejects.toMatchObject({ name: 'ValidationException', message: 'Cannot delete microvm image with running microvms.' });
    await cloud.terminate(id);
    await remove();
  });

  test('fails in the middle of a build', async () => {
    const imageIdentifier = await cloud.createImage('building', SLEEPER);
    const building = update(imageIdentifier);
    await cloud.until('the update', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATING');
    await expect(cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier })))
      .rejects.toMatchObject({ name: 'ValidationException', message: 'Cannot delete MicroVM image in its current state: UPDATING' });
    await building;
  });
});

describe('client tokens', () => {
  test('are never forgotten: a replayed create of a deleted image answers the dead create', async () => {
    const uri = await cloud.putArtifact('dead.zip', SLEEPER);
    const create = (clientToken: string, more: object = {}) => cloud.client.send(new CreateMicrovmImageCommand({
      name: 'dead', ...input(uri), clientToken, ...more,
    }));
    const first = await create('one');
    const imageIdentifier = first.imageArn ?? '';
    await settled(imageIdentifier);
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }));
    await cloud.until('the deletion', () => cloud.service.list().images.length === 0);
    expect(await create('one')).toMatchObject({ state: 'CREATING', createdAt: first.createdAt });
    expect(cloud.service.list().images).toEqual([]);
    await expect(create('one', { description: 'x' })).rejects.toMatchObject({ name: 'ConflictException', $metadata: { httpStatusCode: 409 } });
    await create('two');
    await settled(imageIdentifier);
  });

  test('of an update give the same version once', async () => {
    const imageIdentifier = await cloud.createImage('updated', SLEEPER);
    expect((await update(imageIdentifier, SLEEPER, { clientToken: 'one' })).imageVersion).toBe('2.0');
    expect((await update(imageIdentifier, SLEEPER, { clientToken: 'one' })).imageVersion).toBe('2.0');
    await expect(update(imageIdentifier, SLEEPER, { clientToken: 'one', description: 'x' })).rejects.toMatchObject({ name: 'ConflictException' });
  });

  test('of a request that failed are free', async () => {
    const uri = await cloud.putArtifact('free.zip', SLEEPER);
    await cloud.createImage('taken', SLEEPER);
    const create = (name: string) => cloud.client.send(new CreateMicrovmImageCommand({ name, ...input(uri), clientToken: 'one' }));
    await expect(create('taken')).rejects.toThrow('already exists in this account');
    await create('free');
    await settled(arnOf('free'));
  });
});

describe('tags', () => {
  test('come and go without a build', async () => {
    const Resource = await cloud.createImage('tagged', SLEEPER, { tags: { team: 'a' } });
    const add = await cloud.client.send(new TagResourceCommand({ Resource, Tags: { stage: 'test', team: 'b' } }));
    expect(add.$metadata.httpStatusCode).toBe(204);
    const list = async () => (await cloud.client.send(new ListTagsCommand({ Resource }))).Tags;
    expect(await list()).toEqual({ stage: 'test', team: 'b' });
    const remove = await cloud.client.send(new UntagResourceCommand({ Resource, TagKeys: ['team', 'none'] }));
    expect(remove.$metadata.httpStatusCode).toBe(204);
    expect(await list()).toEqual({ stage: 'test' });
    expect(await cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier: Resource })))
      .toMatchObject({ tags: { stage: 'test' }, state: 'CREATED', latestActiveImageVersion: '1.0' });
  });

  test('fail for what is not there', async () => {
    const refused = { name: 'ResourceNotFoundException' };
    await expect(cloud.client.send(new ListTagsCommand({ Resource: UNKNOWN }))).rejects.toMatchObject(refused);
    await expect(cloud.client.send(new TagResourceCommand({ Resource: UNKNOWN, Tags: { a: '' } }))).rejects.toMatchObject(refused);
    await expect(cloud.client.send(new UntagResourceCommand({ Resource: UNKNOWN, TagKeys: ['a'] }))).rejects.toMatchObject(refused);
    const connector = `arn:aws:lambda:${REGION}:${ACCOUNT}:network-connector:nc-1`;
    await expect(cloud.client.send(new ListTagsCommand({ Resource: connector }))).rejects.toMatchObject(refused);
  });
});

describe('an identifier', () => {
  const operations: [string, (imageIdentifier: string) => Promise<unknown>][] = [
    ['GetMicrovmImage', (imageIdentifier) => cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier }))],
    ['UpdateMicrovmImage', (imageIdentifier) => cloud.client.send(new UpdateMicrovmImageCommand({ imageIdentifier, ...input('s3://a/b') }))],
    ['DeleteMicrovmImage', (imageIdentifier) => cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }))],
    ['ListMicrovmImageVersions', (imageIdentifier) => cloud.client.send(new ListMicrovmImageVersionsCommand({ imageIdentifier }))],
    ['GetMicrovmImageVersion', (imageIdentifier) => cloud.version(imageIdentifier)],
    ['UpdateMicrovmImageVersion', (imageIdentifier) => cloud.client.send(new UpdateMicrovmImageVersionCommand({
      imageIdentifier, imageVersion: '1.0', status: 'INACTIVE',
    }))],
    ['DeleteMicrovmImageVersion', (imageIdentifier) => cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }))],
    ['ListMicrovmImageBuilds', (imageIdentifier) => cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0' }))],
    ['GetMicrovmImageBuild', (imageIdentifier) => cloud.client.send(new GetMicrovmImageBuildCommand({
      imageIdentifier, imageVersion: '1.0', buildId: 'x',
    }))],
  ];

  /** Operations on a version look for the image and its version at once. */
  const ofVersion = ['GetMicrovmImageVersion', 'UpdateMicrovmImageVersion', 'DeleteMicrovmImageVersion', 'ListMicrovmImageBuilds',
    'GetMicrovmImageBuild'];

  test.each(operations)('of %s fails unless it is this account\'s full ARN', async (operation, send) => {
    const sought = ofVersion.includes(operation) ? `MicroVMImage: ${UNKNOWN}, Version: 1.0` : `MicroVMImageID: ${UNKNOWN}`;
    await expect(send(UNKNOWN)).rejects.toMatchObject({
      name: 'ResourceNotFoundException', message: `MicroVMImage not found for ${sought}`, $metadata: { httpStatusCode: 404 },
    });
    await expect(send('bare-name')).rejects.toMatchObject({
      name: 'ValidationException', message: 'Invalid ARN format: bare-name', $metadata: { httpStatusCode: 400 },
    });
    const foreign = { name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } };
    await expect(send(arnOf('x', '111111111111'))).rejects.toMatchObject(foreign);
    await expect(send(`arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image/x`)).rejects.toMatchObject(foreign);
    await expect(send(`arn:aws:lambda:eu-west-1:${ACCOUNT}:microvm-image:x`)).rejects.toMatchObject(foreign);
  });

  test('may stand in the path raw or percent-encoded, but for a slash', async () => {
    const imageArn = await cloud.createImage('raw', SLEEPER);
    for (const path of [imageArn, encodeURIComponent(imageArn)]) {
      expect((await cloud.raw('GET', `/2025-09-09/microvm-images/${path}`)).status).toBe(200);
    }
    const slash = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image/raw`;
    expect(await cloud.raw('GET', `/2025-09-09/microvm-images/${slash}`)).toMatchObject({
      status: 404, headers: { 'content-type': 'text/html' }, body: expect.stringContaining('<html>'),
    });
  });
});

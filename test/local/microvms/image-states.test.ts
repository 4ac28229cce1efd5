import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, DeleteMicrovmImageVersionCommand, GetMicrovmImageCommand,
  ListMicrovmImageBuildsCommand, ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand,
  UpdateMicrovmImageCommand, UpdateMicrovmImageVersionCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, REGION, ROLE } from './microvm-cloud';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "36000"]\n' };
const BROKEN = { Dockerfile: 'FROM scratch\nCMD ["no-such-program"]\n' };
const IMAGE = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:one`;

let cloud: MicrovmCloud;
afterEach(() => cloud.close());

const image = { imageIdentifier: IMAGE };
const versionOf = (imageVersion: string) => ({ ...image, imageVersion });
const input = (key: string) => ({ baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: `s3://artifacts/${key}` } });

const send = {
  create: () => cloud.client.send(new CreateMicrovmImageCommand({ name: 'one', ...input('one.zip') })),
  get: () => cloud.client.send(new GetMicrovmImageCommand(image)),
  update: (key = 'one.zip', clientToken?: string) => (
    cloud.client.send(new UpdateMicrovmImageCommand({ ...image, ...input(key), clientToken }))
  ),
  setStatus: (imageVersion: string, status: 'ACTIVE' | 'INACTIVE') => (
    cloud.client.send(new UpdateMicrovmImageVersionCommand({ ...versionOf(imageVersion), status }))
  ),
  deleteVersion: (imageVersion: string) => (
    cloud.client.send(new DeleteMicrovmImageVersionCommand(versionOf(imageVersion)))
  ),
  delete: () => cloud.client.send(new DeleteMicrovmImageCommand(image)),
  run: (imageVersion?: string) => cloud.client.send(new RunMicrovmCommand({ ...image, imageVersion })),
};

const settled = () => cloud.until('a settled image', async () => !(await cloud.imageState(IMAGE))?.endsWith('ING'));

describe('an image that changes', () => {
  /** A second of AWS takes a thousand here: states stay until time is let pass. */
  const TIME_SCALE = 1000;
  const pass = <T>(work: Promise<T>): Promise<T> => cloud.passing(work, TIME_SCALE);
  beforeEach(async () => {
    cloud = await new MicrovmCloud('processes', undefined, { timeScale: TIME_SCALE }).open();
    await cloud.putArtifact('one.zip', SLEEPER);
  });

  const withTwoVersions = async (): Promise<void> => {
    await send.create();
    await pass(settled());
    await send.update();
    await pass(settled());
  };
  const CHANGES: [state: string, how: string, begin: () => Promise<unknown>][] = [
    ['CREATING', 'its first build', () => send.create()],
    ['UPDATING', 'a build', async () => {
      await withTwoVersions();
      await send.update();
    }],
    ['UPDATING', 'the deletion of a version', async () => {
      await withTwoVersions();
      await send.deleteVersion('2.0');
    }],
    ['DELETING', 'its deletion', async () => {
      await withTwoVersions();
      await send.delete();
    }],
  ];

  test.each(CHANGES)('is %s during %s, fails to be changed, run and created anew, and can be read', async (state, _, begin) => {
    await begin();
    const refusal = (name: string, httpStatusCode: number, message: string) => (
      { name, message, $metadata: { httpStatusCode } }
    );
    const conflict = refusal('ConflictException', 409, `MicroVM Image is already in state: ${state}`);
    await expect(send.update()).rejects.toMatchObject(conflict);
    await expect(send.setStatus('1.0', 'INACTIVE')).rejects.toMatchObject(conflict);
    await expect(send.deleteVersion('1.0')).rejects.toMatchObject(conflict);
    for (const imageVersion of [undefined, '1.0']) {
      const which = imageVersion ? ` and version ${imageVersion}` : '';
      const missing = refusal('ResourceNotFoundException', 404, `No active version found for MicroVM image ${IMAGE}${which}`);
      await expect(send.run(imageVersion)).rejects.toMatchObject(missing);
    }
    const taken = refusal('ValidationException', 400, 'A MicroVM image with the name \'one\' already exists in this account');
    await expect(send.create()).rejects.toMatchObject(taken);
    if (state === 'DELETING') {
      expect(await send.delete()).toMatchObject({ $metadata: { httpStatusCode: 200 }, imageIdentifier: IMAGE, state });
    } else {
      const busy = refusal('ValidationException', 400, `Cannot delete MicroVM image in its current state: ${state}`);
      await expect(send.delete()).rejects.toMatchObject(busy);
    }
    expect(await send.get()).toMatchObject({ state });
    expect(cloud.service.list().images).toEqual(['one']);
    expect((await cloud.version(IMAGE)).imageVersion).toBe('1.0');
  });

  test('a conflict holds every member of its type', async () => {
    await send.create();
    const { status, body } = await cloud.raw('DELETE', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0`);
    expect({ status, body: JSON.parse(body) as object }).toEqual({
      status: 409, body: { message: 'MicroVM Image is already in state: CREATING', resourceId: null, resourceType: null },
    });
  });

  test('a version and its builds go from PENDING to IN_PROGRESS and SUCCESSFUL, and the version gets ACTIVE by itself', async () => {
    await send.create();
    const version = async () => (
      JSON.parse((await cloud.raw('GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0`)).body) as Record<string, unknown>
    );
    const steps: [state: string, status: string, reach: () => Promise<void>][] = [
      ['PENDING', 'INACTIVE', async () => undefined],
      ['IN_PROGRESS', 'INACTIVE', () => cloud.clock.advance({ seconds: TIME_SCALE })],
      ['SUCCESSFUL', 'ACTIVE', () => pass(settled())],
    ];
    for (const [state, status, reach] of steps) {
      await reach();
      await cloud.until(state, async () => (await version()).state === state);
      const { versionStateTimeBucket, updatedAt, ...rest } = await version();
      expect(rest).toMatchObject({ state, status });
      const hour = new Date(Number(updatedAt) * 1000).toISOString().slice(2, 13).replace(/\D/g, '');
      expect(versionStateTimeBucket).toBe(`${state}#${hour}`);
      const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand(versionOf('1.0')));
      expect(items.map(({ buildState }) => buildState)).toEqual([state, state]);
    }
  });

  test('a repeated update answers the first one while the image is UPDATING', async () => {
    await send.create();
    await pass(settled());
    const first = await send.update('one.zip', 'token');
    expect(await send.update('one.zip', 'token')).toMatchObject({ imageVersion: '2.0', state: 'UPDATING', updatedAt: first.updatedAt });
    const other = send.update('two.zip', 'token');
    await expect(other).rejects.toMatchObject({ name: 'ConflictException', message: expect.stringContaining('client token') });
    await pass(settled());
    expect(await send.get()).toMatchObject({ latestActiveImageVersion: '2.0' });
  });
});

describe('an image that rests', () => {
  beforeEach(async () => {
    cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0 }).open();
  });

  test('as CREATE_FAILED runs nothing, keeps its version, and can be updated and deleted', async () => {
    expect(await cloud.createImage('one', BROKEN)).toBe(IMAGE);
    expect(await send.get()).toMatchObject({ state: 'CREATE_FAILED', latestFailedImageVersion: '1.0' });
    expect((await send.get()).latestActiveImageVersion).toBeUndefined();
    await expect(send.run()).rejects.toThrow(`No active version found for MicroVM image ${IMAGE}`);
    await expect(send.deleteVersion('1.0')).rejects.toMatchObject({ name: 'ValidationException', $metadata: { httpStatusCode: 400 } });
    await cloud.putArtifact('good.zip', SLEEPER);
    expect(await send.update('good.zip')).toMatchObject({ imageVersion: '2.0', state: 'UPDATING' });
    await settled();
    await cloud.run(IMAGE);
    await cloud.createImage('two', BROKEN);
    const imageIdentifier = IMAGE.replace(/one$/, 'two');
    expect(await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }))).toMatchObject({ state: 'DELETING' });
  });

  test('as UPDATE_FAILED runs its older version once the failed one is deleted', async () => {
    await cloud.createImage('one', SLEEPER);
    await cloud.putArtifact('bad.zip', BROKEN);
    await send.update('bad.zip');
    await settled();
    expect(await send.get()).toMatchObject({ state: 'UPDATE_FAILED' });
    expect(await send.deleteVersion('2.0')).toMatchObject({ imageVersion: '2.0', state: 'DELETING' });
    await settled();
    const { latestFailedImageVersion, ...rest } = await send.get();
    expect(latestFailedImageVersion).toBeUndefined();
    expect(rest).toMatchObject({ state: 'UPDATED', latestActiveImageVersion: '1.0' });
    await cloud.run(IMAGE);
  });

  test('runs the latest version that is ACTIVE', async () => {
    await cloud.createImage('one', SLEEPER);
    await send.update();
    await settled();
    const latest = async () => (await send.get()).latestActiveImageVersion;
    expect(await latest()).toBe('2.0');
    for (let time = 0; time < 2; time += 1) {
      // A second time changes nothing.
      expect(await send.setStatus('2.0', 'INACTIVE')).toMatchObject({ status: 'INACTIVE', state: 'SUCCESSFUL' });
      expect(await latest()).toBe('1.0');
    }
    expect(await send.run()).toMatchObject({ imageVersion: '1.0' });
    await send.setStatus('1.0', 'INACTIVE');
    expect(await latest()).toBeUndefined();
    await send.setStatus('2.0', 'ACTIVE');
    expect(await send.run()).toMatchObject({ imageVersion: '2.0' });
  });

  test('fails to give a version a status that is none, or to one that is not there', async () => {
    await cloud.createImage('one', SLEEPER);
    const words = 'Member must satisfy enum value set: [ACTIVE, INACTIVE]';
    for (const [imageVersion, status, code, text] of [
      ['1.0', 'PAUSED', 400, words],
      ['1.0', 'inactive', 400, words],
      ['1.0', null, 400, 'Value null at \'status\' failed to satisfy constraint: Member must not be null'],
      ['9.0', 'INACTIVE', 404, `MicroVMImage not found for MicroVMImage: ${IMAGE}, Version: 9.0`],
    ]) {
      const path = `/2025-09-09/microvm-images/${IMAGE}/versions/${imageVersion}`;
      const answer = await cloud.raw('PATCH', path, JSON.stringify({ status }));
      expect(answer).toMatchObject({ status: code, body: expect.stringContaining(String(text)) });
    }
    expect((await cloud.version(IMAGE)).status).toBe('ACTIVE');
  });

  test('fails to be deleted under a microVM, also a PENDING or SUSPENDED one', async () => {
    await cloud.createImage('one', SLEEPER);
    const message = 'Cannot delete microvm image with running microvms.';
    const refused = { name: 'ValidationException', message, $metadata: { httpStatusCode: 400 } };
    const { microvmId = '' } = await send.run();
    await expect(send.delete()).rejects.toMatchObject(refused);
    await cloud.untilState(microvmId, 'RUNNING');
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: microvmId }));
    await cloud.untilState(microvmId, 'SUSPENDED');
    await expect(send.delete()).rejects.toMatchObject(refused);
    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: microvmId }));
    await cloud.terminate(microvmId);
    expect(await send.delete()).toMatchObject({ state: 'DELETING' });
  });
});

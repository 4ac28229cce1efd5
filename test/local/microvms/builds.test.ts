import { CreateMicrovmImageCommand, GetMicrovmImageBuildCommand, ListMicrovmImageBuildsCommand } from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, COUNTER, guest, HOOKED } from './guests';
import { describeEachIsolation } from './isolations';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';

describeEachIsolation((isolation) => {
  let cloud: MicrovmCloud;
  beforeEach(async () => {
    cloud = await new MicrovmCloud(isolation).open();
  });
  afterEach(() => cloud.close());

  async function failedBuild(files: Record<string, string>, more: object = {}): Promise<string> {
    const imageArn = await cloud.createImage('failing', files, more);
    expect(await cloud.imageState(imageArn)).toBe('CREATE_FAILED');
    const version = await cloud.version(imageArn);
    expect(version).toMatchObject({ state: 'FAILED', status: 'INACTIVE' });
    return reason(imageArn);
  }

  async function reason(imageIdentifier: string): Promise<string> {
    const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0' }));
    expect(items.map(({ chipsetGeneration, buildState }) => [chipsetGeneration, buildState])).toEqual([['4', 'FAILED'], ['3', 'FAILED']]);
    return items[0].stateReason ?? '';
  }

  test('a build polls /ready while it answers 503, calls /validate, and throws the machine away', async () => {
    const imageArn = await cloud.createImage('hooked', HOOKED, {
      hooks: ALL_HOOKS, environmentVariables: { STATUS_ready: '503,503,200', TRACE: '1' },
    });
    expect(await cloud.imageState(imageArn)).toBe('CREATED');
    const calls = cloud.logs.filter(({ message }) => message.startsWith('hook')).map(({ message }) => message);
    expect(calls).toEqual(['hook ready', 'hook ready', 'hook ready', 'hook validate']);
    const [line] = cloud.logs.filter(({ message }) => message === 'hook ready');
    expect(line).toMatchObject({ group: '/aws/lambda-microvms/hooked', stream: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\[1\.0\]microvm-/) });
    const build = cloud.logs.find(({ message }) => message === 'built hooked version 1.0');
    expect(build?.stream).toMatch(/\[0\.0\]/);
  });

  test.each([
    [{ STATUS_ready: '404' }, 'Ready hook check failed: the application returned a client error (HTTP 4xx) response'],
    [{ STATUS_ready: '500' }, 'Ready hook check failed: the application returned a server error (HTTP 5xx) response'],
    [{ STATUS_validate: '503,400' }, 'Validate hook check failed: the application returned a client error (HTTP 4xx) response'],
  ])('fails with the hook\'s status for %p', async (environmentVariables, expected) => {
    expect(await failedBuild(HOOKED, { hooks: ALL_HOOKS, environmentVariables })).toBe(expected);
  });

  test('fails when /ready does not answer in time', async () => {
    const building = cloud.createImage('failing', HOOKED, {
      hooks: { ...ALL_HOOKS, microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 300 } },
      environmentVariables: { STATUS_ready: 'silent', TRACE: '1' },
    });
    await cloud.until('the hook', () => cloud.logs.some(({ message }) => message === 'hook ready'));
    await cloud.clock.advance({ minutes: 5 });
    expect(await reason(await building)).toBe('Ready hook invocation timed out after PT5M');
  });

  test('fails when the program is missing, and says which', async () => {
    const files = guest('', 'FROM scratch\nCMD ["no-such-program", "--flag"]\n');
    expect(await failedBuild(files)).toBe('Container Stopped with Exit Code: 127. The program \'no-such-program\' that the Dockerfile '
      + 'starts is neither in the image nor on this machine\'s PATH');
  });

  test('fails when the main process ends before /ready', async () => {
    expect(await failedBuild(guest('process.exit(3)'), { hooks: ALL_HOOKS })).toBe('Container Stopped with Exit Code: 3');
  });

  test('fails without a Dockerfile, without an artifact and with what is no zip', async () => {
    expect(await failedBuild({ 'sub/Dockerfile': 'FROM scratch' })).toContain('ARCHIVE_DOCKERFILE_NOT_FOUND');
    const create = (name: string, uri: string) => cloud.client.send(new CreateMicrovmImageCommand({
      name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
    }));
    cloud.objects.set('artifacts/text', Buffer.from('no zip'));
    for (const [name, uri, expected] of [['none', 's3://artifacts/none', 'S3_NO_SUCH_KEY'], ['text', 's3://artifacts/text', 'ARCHIVE_INVALID']]) {
      const { imageArn = '' } = await create(name, uri);
      await cloud.until('the failure', async () => (await cloud.imageState(imageArn)) === 'CREATE_FAILED');
      expect(await reason(imageArn)).toContain(expected);
    }
    expect(cloud.warnings).toEqual([]);
  });

  test('steps that need a container engine are named once for an image', async () => {
    const files = { ...COUNTER, Dockerfile: `${COUNTER.Dockerfile}RUN dnf install -y tar\nCOPY --from=docker.io/x /y /z\n` };
    await cloud.createImage('partial', files);
    expect(cloud.warnings).toEqual([
      'Image partial: left out, as it needs a container engine: RUN dnf install -y tar (line 6); COPY --from=docker.io/x /y /z (line 7)',
    ]);
    expect(cloud.logs.map(({ message }) => message)).toContain('left out, as it needs a container engine: RUN dnf install -y tar (line 6)');
  });

  test('a successful build has its sizes, a failed one none', async () => {
    const good = await cloud.createImage('good', COUNTER);
    const bad = await cloud.createImage('bad', { x: '' });
    const sizes = async (imageIdentifier: string) => {
      const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0', chipsetGeneration: '3' }));
      expect(items).toHaveLength(1);
      return (await cloud.client.send(new GetMicrovmImageBuildCommand({
        imageIdentifier, imageVersion: '1.0', buildId: items[0].buildId,
      }))).snapshotBuild;
    };
    expect(await sizes(good)).toMatchObject({ memorySnapshotSizeInBytes: expect.any(Number) });
    expect((await sizes(bad))?.codeInstallSizeInBytes).toBeUndefined();
  });
});

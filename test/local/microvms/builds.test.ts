import {
  CreateMicrovmImageCommand, ListMicrovmImageBuildsCommand, UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
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
    // Only the builds tell why.
    expect(version.stateReason).toBeUndefined();
    expect((await wire(`${imageArn}/versions/1.0`)).versionStateTimeBucket).toMatch(/^FAILED#\d{8}$/);
    return reason(imageArn);
  }

  /** Body of an answer as it stands on the wire. */
  async function wire(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await cloud.raw('GET', `/2025-09-09/microvm-images/${path}`)).body) as Record<string, unknown>;
  }

  function messages(version: string): string[] {
    return cloud.logs.filter(({ stream }) => stream.includes(`[${version}]`)).map(({ message }) => message);
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

  test.each([
    ['CMD ["no-such-program", "--flag"]', '127. The program \'no-such-program\' that the Dockerfile starts is neither in the image nor on this '
      + 'machine\'s PATH'],
    ['ENTRYPOINT ["/opt/missing"]', '127. The program \'/opt/missing\' that the Dockerfile starts is neither in the image nor on this machine\'s PATH'],
    ['COPY --chmod=644 guest.js /opt/plain\nENTRYPOINT ["/opt/plain"]', '126. The program \'/opt/plain\' that the Dockerfile starts is not executable'],
    ['COPY --chmod=755 <<X /opt/script\n#!/no/such/interpreter -x\nX\nCMD ["/opt/script"]', '127. The program \'/opt/script\' that the Dockerfile '
      + 'starts needs /no/such/interpreter, which is not there'],
    ['USER somebody-else\nCMD ["node"]', '126. unable to find user somebody-else: no matching entries in passwd file'],
    ['USER 1000:no-such-group\nCMD ["node"]', '126. unable to find group no-such-group: no matching entries in group file'],
  ])('fails when the main process cannot start: %p', async (lines, expected) => {
    const told = await failedBuild(guest('', `FROM scratch\n${lines}\n`));
    expect(told).toBe(`Container Stopped with Exit Code: ${expected}`);
    expect(messages('1.0')).toContain(told);
  });

  test('fails when the main process ends before /ready', async () => {
    expect(await failedBuild(guest('process.exit(3)'), { hooks: ALL_HOOKS })).toBe('Container Stopped with Exit Code: 3');
  });

  test('fails without a Dockerfile, without an artifact and with what is no zip', async () => {
    expect(await failedBuild({ 'sub/Dockerfile': 'FROM scratch' })).toContain('ARCHIVE_DOCKERFILE_NOT_FOUND');
    cloud.objects.set('artifacts/text', Buffer.from('no zip'));
    for (const [name, uri, expected] of [['none', 's3://artifacts/none', 'S3_NO_SUCH_KEY'], ['text', 's3://artifacts/text', 'ARCHIVE_INVALID']]) {
      const { imageArn = '' } = await cloud.client.send(new CreateMicrovmImageCommand({
        name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
      }));
      await cloud.until('the failure', async () => (await cloud.imageState(imageArn)) === 'CREATE_FAILED');
      expect(await reason(imageArn)).toContain(expected);
      const lines = cloud.logs.filter(({ group }) => group.endsWith(name)).map(({ message }) => message);
      expect(lines).toEqual([expect.stringContaining(expected)]);
    }
    expect(cloud.warnings).toEqual([]);
  });

  test('fails with the service\'s sentence when the Dockerfile is wrong; log and terminal tell more', async () => {
    expect(await failedBuild({ Dockerfile: 'FROM scratch\nCOPY missing /x\n' })).toBe('The container image build failed.');
    const detail = 'failed to calculate checksum of ref: "/missing": not found';
    expect(messages('0.0').at(-1)).toBe(`ERROR: failed to solve: ${detail}`);
    expect(cloud.warnings).toEqual([`Build of image failing: ${detail} (line 2)`]);
    expect(cloud.logs.map(({ stream }) => stream).filter((stream) => !stream.includes('[0.0]'))).toEqual([]);
  });

  test('steps that are left out are named once for an image', async () => {
    const files = { ...COUNTER, Dockerfile: `${COUNTER.Dockerfile}RUN dnf install -y tar\nCOPY --from=docker.io/x /y /z\nVOLUME /data\n` };
    const imageArn = await cloud.createImage('partial', files);
    const notes = [
      'left out: RUN dnf install -y tar (line 6): nothing is run unless runSteps or an engine is asked for',
      'left out: COPY --from=docker.io/x /y /z (line 7): no other image is fetched',
      'without effect: VOLUME /data (line 8)',
    ];
    expect(cloud.warnings).toEqual(notes.map((note) => `Image partial: ${note}`));
    expect(messages('0.0').slice(-4)).toEqual([...notes, 'built partial version 1.0']);
    await cloud.client.send(new UpdateMicrovmImageCommand({
      imageIdentifier: imageArn, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/partial.zip' },
    }));
    await cloud.until('the build', async () => (await cloud.imageState(imageArn)) === 'UPDATED');
    expect(cloud.warnings).toHaveLength(notes.length);
  });

  test('each part of a build has a log stream of its own, and that of the container goes up in one go', async () => {
    await cloud.createImage('logged', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { TRACE: '1' } });
    const streams = [...new Set(cloud.logs.map(({ stream }) => stream))];
    expect(streams.map((stream) => stream.replace(/microvm-.*/, ''))).toEqual([
      expect.stringMatching(/^\d{4}\/\d\d\/\d\d\[0\.0\]$/), ...Array.from({ length: 3 }, () => expect.stringMatching(/\[1\.0\]$/)),
    ]);
    const lines = (stream: string) => cloud.logs.filter((entry) => entry.stream === stream)
      .map(({ message }) => message);
    expect(lines(streams[1])).toEqual(['The build for GRAVITON 3 shares the machine of the one for GRAVITON 4.']);
    expect(lines(streams[2])).toEqual(['hook ready']);
    expect(lines(streams[3])).toEqual(['hook validate']);
    expect(lines(streams[0])).toContain('#5 [4/5] EXPOSE 9000');
    expect(new Set(cloud.logs.filter(({ stream }) => stream === streams[0]).map(({ time }) => time)).size).toBe(1);
  });

  test('a successful build has its sizes, one whose container failed none, and one whose hook failed that of the container', async () => {
    const sizes = async (imageIdentifier: string) => {
      const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0', chipsetGeneration: '3' }));
      expect(items).toHaveLength(1);
      return (await wire(`${imageIdentifier}/versions/1.0/builds/${items[0].buildId}`)).snapshotBuild;
    };
    const unset = { codeInstallSizeInBytes: null, diskSnapshotSizeInBytes: null, memorySnapshotSizeInBytes: null };
    const size = expect.any(Number);
    expect(await sizes(await cloud.createImage('good', COUNTER))).toEqual({
      codeInstallSizeInBytes: size, diskSnapshotSizeInBytes: size, memorySnapshotSizeInBytes: size,
    });
    expect(await sizes(await cloud.createImage('bad', { x: '' }))).toEqual(unset);
    const unready = await cloud.createImage('unready', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { STATUS_ready: '500' } });
    expect(await sizes(unready)).toEqual({ ...unset, codeInstallSizeInBytes: size });
  });
});

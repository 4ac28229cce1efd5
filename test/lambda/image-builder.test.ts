import { BuilderFixture, event, PROPERTIES, update } from './builder-fixture';
import { ARN, type FakeImages } from './fake-images';
import { refuse } from './fake-microvms';
import { clientToken } from '../../lambda/image-builder/image-request';

let { images, artifacts, clock, onEvent, start, created } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, clock, onEvent, start, created } = new BuilderFixture());
});

describe('create', () => {
  it('copies the artifact and asks for an image with everything explicit', async () => {
    const result = await onEvent(event());
    expect(result).toEqual({ PhysicalResourceId: `${ARN}agent`, ImageVersion: '1.0' });
    expect(artifacts.copies).toEqual(['assets/source.zip']);
    expect([...artifacts.objects]).toEqual(['artifacts/agent/0123.zip']);
    expect(images.submitted).toEqual([{
      operation: 'create',
      clientToken: clientToken(event(), 'create'),
      build: {
        baseImageArn: PROPERTIES.BaseImageArn,
        baseImageVersion: '1',
        buildRoleArn: PROPERTIES.BuildRoleArn,
        description: 'For agents',
        codeArtifact: { uri: 's3://artifacts/agent/0123.zip' },
        logging: { cloudWatch: { logGroup: '/aws/lambda-microvms/agent' } },
        egressNetworkConnectors: PROPERTIES.EgressConnectorArns,
        cpuConfigurations: [{ architecture: 'ARM_64' }],
        resources: [{ minimumMemoryInMiB: 2048 }],
        hooks: {
          port: 9000,
          microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 300, validate: 'DISABLED' },
          microvmHooks: { run: 'ENABLED', runTimeoutInSeconds: 10, resume: 'DISABLED', suspend: 'DISABLED', terminate: 'DISABLED' },
        },
        environmentVariables: { MODE: 'agent' },
      },
    }]);
  });

  it('leaves an artifact that is there already', async () => {
    artifacts.objects.add('artifacts/agent/0123.zip');
    await onEvent(event());
    expect(artifacts.copies).toEqual([]);
  });

  it('is complete when version and image are ready, not a moment before', async () => {
    const { look } = await start(event());
    const image = images.image('agent');
    expect(await look()).toEqual({ IsComplete: false });
    Object.assign(image.versions[0], { state: 'SUCCESSFUL', status: 'ACTIVE' });
    expect(await look()).toEqual({ IsComplete: false });
    image.state = 'CREATED';
    Object.assign(image.versions[0], { status: 'INACTIVE' });
    expect(await look()).toEqual({ IsComplete: false });
    Object.assign(image.versions[0], { state: 'IN_PROGRESS', status: 'ACTIVE' });
    expect(await look()).toEqual({ IsComplete: false });
    Object.assign(image.versions[0], { state: 'SUCCESSFUL' });
    expect(await look()).toEqual({ IsComplete: true, Data: { ImageArn: `${ARN}agent`, ImageVersion: '1.0' } });
  });

  it.each(['not_found', 'throttled', 'busy'] as const)('looks again when the service answers %s', async (kind) => {
    const { look } = await created();
    images.faults.push({ operation: 'getVersion', when: 'before', error: refuse(kind, 'GetMicrovmImageVersion') });
    expect(await look()).toEqual({ IsComplete: false });
    expect((await look()).IsComplete).toBe(true);
  });

  it('fails when the service refuses the look', async () => {
    const { look } = await created();
    images.faults.push({ operation: 'getVersion', when: 'before', error: refuse('refused', 'GetMicrovmImageVersion', 'not authorized') });
    await expect(look()).rejects.toThrow('not authorized');
  });

  it('has the same token for a repetition of an attempt, and another one for the next attempt with the same content', async () => {
    expect(await onEvent(event())).toEqual(await onEvent(event()));
    expect(images.submitted).toHaveLength(1);
    images.images.clear();
    await onEvent(event({ RequestId: 'request-9' }));
    expect(images.submitted[1].clientToken).not.toBe(images.submitted[0].clientToken);
    expect(images.submitted[1].clientToken).toMatch(/^[0-9a-f]{64}$/);
  });

  it('goes on with the image that it made without hearing the answer', async () => {
    images.faults.push({ operation: 'create', when: 'after', error: refuse('busy', 'CreateMicrovmImage') });
    expect(await onEvent(event())).toEqual({ PhysicalResourceId: `${ARN}agent`, ImageVersion: '1.0' });
  });

  it('builds a new version of what an earlier attempt of the same resource left behind', async () => {
    await created();
    expect(await onEvent(event({ RequestId: 'request-5' }))).toEqual({ PhysicalResourceId: `${ARN}agent`, ImageVersion: '2.0' });
    // The create that was refused had sent its token.
    expect(images.submitted[1].clientToken).not.toBe(clientToken(event({ RequestId: 'request-5' }), 'create'));
  });

  it.each([
    ['another stack', { StackId: 'stack-2' }], ['another resource', { LogicalResourceId: 'Other' }],
  ])('fails naming the image and the ways out when its name is taken by %s', async (_, owner) => {
    await onEvent(event(owner));
    await expect(onEvent(event({ RequestId: 'request-5' }))).rejects.toThrow(/ImageName: the account has an image agent .*Choose another name, import that image/);
    expect(images.submitted).toHaveLength(1);
  });

  it('fails when the name still belongs to its own image that is being deleted', async () => {
    await created();
    images.image('agent').state = 'DELETING';
    await expect(onEvent(event({ RequestId: 'request-5' }))).rejects.toThrow('a name stays taken for some minutes');
  });

  it('waits for a role that IAM does not know everywhere yet, and for room to build', async () => {
    const errors = [
      refuse('refused', 'CreateMicrovmImage', 'User is not authorized to perform: iam:PassRole'),
      refuse('refused', 'CreateMicrovmImage', 'Lambda was unable to assume the role'),
      refuse('quota', 'CreateMicrovmImage', 'maximum number of concurrent builds'),
    ];
    images.faults.push(...errors.map((error) => ({ operation: 'create', when: 'before' as const, error })));
    expect((await onEvent(event())).ImageVersion).toBe('1.0');
    expect(clock.sleeps).toEqual([5000, 5000, 5000]);
  });

  it('waits for the builder\'s own rights, at the artifact and at the image', async () => {
    artifacts.faults.push(Object.assign(new Error('Access Denied'), { name: 'AccessDenied' }));
    const denied = refuse('refused', 'CreateMicrovmImage', 'AccessDeniedException: User is not authorized to perform: lambda:CreateMicrovmImage');
    images.faults.push({ operation: 'create', when: 'before', error: denied });
    expect((await onEvent(event())).ImageVersion).toBe('1.0');
    expect(clock.sleeps).toEqual([5000, 5000]);
  });

  it('takes its artifact back when the service refuses the image, because CloudFormation then sends no delete', async () => {
    artifacts.objects.add('artifacts/agent/another.zip');
    images.faults.push({ operation: 'create', when: 'before', error: refuse('refused', 'CreateMicrovmImage', 'Invalid base') });
    await expect(onEvent(event())).rejects.toThrow('Invalid base');
    expect([...artifacts.objects]).toEqual(['artifacts/agent/another.zip']);
  });

  it('fails with the reason of the service, not with that of the clean-up', async () => {
    artifacts.deleteAll = async () => {
      throw new Error('no clean-up');
    };
    images.faults.push({ operation: 'create', when: 'before', error: refuse('refused', 'CreateMicrovmImage', 'Invalid base') });
    await expect(onEvent(event())).rejects.toThrow('Invalid base');
  });

  it('fails at once on a quota that waiting does not free', async () => {
    images.faults.push({ operation: 'create', when: 'before', error: refuse('quota', 'CreateMicrovmImage', 'maximum number of images') });
    await expect(onEvent(event())).rejects.toThrow('maximum number of images');
    expect(clock.sleeps).toEqual([]);
  });

  it('fails after four minutes of that, and at once for anything else', async () => {
    const error = refuse('quota', 'CreateMicrovmImage', 'maximum number of concurrent builds');
    images.faults.push(...Array.from({ length: 60 }, () => ({ operation: 'create', when: 'before' as const, error })));
    await expect(onEvent(event())).rejects.toThrow('concurrent builds');
    expect(clock.sleeps).toHaveLength(48);
    images.faults.length = 0;
    images.faults.push({ operation: 'create', when: 'before', error: refuse('refused', 'CreateMicrovmImage', 'Invalid base') });
    await expect(onEvent(event())).rejects.toThrow('Invalid base');
    expect(clock.sleeps).toHaveLength(48);
  });
});

describe('a failed build', () => {
  const failed = (...reasons: (string | undefined)[]) => ({
    state: 'FAILED' as const,
    builds: reasons.map((stateReason, index) => ({
      state: stateReason === 'ok' ? 'SUCCESSFUL' : 'FAILED', chipset: 'GRAVITON', chipsetGeneration: String(4 - index), stateReason,
    })),
  });

  async function message(outcome: Parameters<FakeImages['finish']>[1]): Promise<string> {
    const { look } = await start(event());
    images.finish('agent', outcome);
    return look().then(() => 'complete', (error: Error) => error.message);
  }

  it('names image, version, the build that failed, its reason and the log group', async () => {
    expect(await message(failed('The container image build failed.', 'ok'))).toBe(
      'Image agent, version 1.0, failed to build. Build for GRAVITON 4: The container image build failed '
      + '(a step of the Dockerfile failed; the log has its output). Build log: log group /aws/lambda-microvms/agent.',
    );
  });

  it('names both builds when both failed', async () => {
    const text = await message(failed('DISK_STORAGE_FULL', 'Ready hook invocation timed out after PT5M'));
    expect(text).toContain('Build for GRAVITON 4: DISK_STORAGE_FULL (');
    expect(text).toContain('Build for GRAVITON 3: Ready hook invocation timed out after PT5M (');
  });

  it.each([
    ['S3_ACCESS_DENIED', 'the build role may not read the artifact'],
    ['S3_NO_SUCH_KEY', 'the artifact is not in its bucket'],
    ['S3_NO_SUCH_BUCKET', 'the artifact bucket does not exist'],
    ['S3_INVALID_OBJECT', 'archive storage class'],
    ['S3_CROSS_REGION_ACCESS_DENIED', 'another Region'],
    ['ARCHIVE_DOCKERFILE_NOT_FOUND', 'no Dockerfile at its root'],
    ['ARCHIVE_INVALID', 'no zip file'],
    ['CONTAINER_BUILD_FAILED', 'a step of the Dockerfile failed'],
    ['DISK_STORAGE_FULL', 'does not fit'],
    ['INTERNAL_PLATFORM_ERROR', 'deploy again'],
    ['Ready hook invocation timed out after PT5M', 'did not answer /ready'],
    ['Validate hook invocation timed out after PT10M', 'did not answer /validate'],
    ['Ready hook check failed: the application returned a server error (HTTP 5xx) response', 'neither 200 nor 503'],
  ])('says what %s usually means', async (reason, meaning) => {
    expect(await message(failed(reason))).toContain(meaning);
  });

  it.each([
    ['takes the version\'s reason where there are no builds', { state: 'FAILED', stateReason: 'Odd thing.' }, 'failed to build. Odd thing. Build log'],
    ['takes the version\'s reason where a build has none', { ...failed(undefined), stateReason: 'Odd thing.' }, 'Build for GRAVITON 4: Odd thing. '],
    ['says so where nobody has a reason', failed(undefined), 'the service gave no reason'],
  ] as const)('%s', async (_name, outcome, text) => {
    expect(await message(outcome)).toContain(text);
  });

  it('repeats a long reason in part', async () => {
    expect((await message(failed('x'.repeat(5000)))).length).toBeLessThan(700);
  });
});

describe('update', () => {
  it('of the same name builds a version with everything in it, emptied members too', async () => {
    await created();
    const { look } = await start(update({ Environment: {}, Description: undefined, ArtifactKey: 'agent/4567.zip' }));
    expect(images.submitted[1]).toMatchObject({ operation: 'update', build: { environmentVariables: {}, codeArtifact: { uri: 's3://artifacts/agent/4567.zip' } } });
    expect(await look()).toEqual({ IsComplete: false });
    images.finish('agent', { state: 'SUCCESSFUL' });
    expect(await look()).toEqual({ IsComplete: true, Data: { ImageArn: `${ARN}agent`, ImageVersion: '2.0' } });
  });

  it('that comes while a version is being built waits for it, and builds once', async () => {
    await created();
    await onEvent(update());
    const { handed, look } = await start(update({ MemoryMib: '1024' }, 'request-3'));
    expect(handed.ImageVersion).toBeUndefined();
    expect(await look()).toEqual({ IsComplete: false });
    images.finish('agent', { state: 'SUCCESSFUL' });
    expect(await look()).toEqual({ IsComplete: false });
    expect(await look()).toEqual({ IsComplete: false });
    images.finish('agent', { state: 'SUCCESSFUL' });
    expect(await look()).toMatchObject({ IsComplete: true, Data: { ImageVersion: '3.0' } });
    expect(images.submitted.filter(({ operation }) => operation === 'update')).toHaveLength(2);
  });

  it('waits for room to build from one look to the next, so that the provider stays the first to give up', async () => {
    await created();
    const full = refuse('quota', 'UpdateMicrovmImage', 'Account 1 has reached the maximum number of concurrent builds allowed.');
    images.faults.push(...Array.from({ length: 3 }, () => ({ operation: 'update', when: 'before' as const, error: full })));
    const { handed, look } = await start(update());
    expect(handed.ImageVersion).toBeUndefined();
    expect([await look(), await look()]).toEqual([{ IsComplete: false }, { IsComplete: false }]);
    expect(clock.sleeps).toEqual([]);
    await look();
    expect(images.submitted).toHaveLength(2);
  });

  it('waits for a role that IAM does not know everywhere yet', async () => {
    await created();
    images.faults.push({ operation: 'update', when: 'before', error: refuse('refused', 'UpdateMicrovmImage', 'not authorized to perform: iam:PassRole') });
    expect((await onEvent(update())).ImageVersion).toBe('2.0');
    expect(clock.sleeps).toEqual([5000]);
  });

  it('fails at once when the image has as many versions as it may have', async () => {
    await created();
    images.faults.push({ operation: 'update', when: 'before', error: refuse('quota', 'UpdateMicrovmImage', 'maximum number of versions') });
    await expect(onEvent(update())).rejects.toThrow('maximum number of versions');
  });

  it('of the name makes another image', async () => {
    await created();
    expect(await onEvent(update({ ImageName: 'other' }))).toEqual({ PhysicalResourceId: `${ARN}other`, ImageVersion: '1.0' });
    expect(images.image('agent').state).toBe('CREATED');
  });

  it('fails with the reason of its build', async () => {
    await created();
    const { look } = await start(update());
    images.finish('agent', { state: 'FAILED', stateReason: 'ARCHIVE_INVALID' });
    await expect(look()).rejects.toThrow('Image agent, version 2.0, failed to build. ARCHIVE_INVALID');
  });
});

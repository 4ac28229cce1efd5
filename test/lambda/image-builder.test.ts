import { BuilderFixture, event, PROPERTIES, update } from './builder-fixture';
import { s3Error } from './fake-artifacts';
import { ARN } from './fake-images';
import { refuse } from './fake-microvms';
import { clientToken } from '../../lambda/image-builder/image-request';

const MINUTE = 60_000;

let { images, artifacts, clock, lines, onEvent, start, complete, created, measured } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, clock, lines, onEvent, start, complete, created, measured } = new BuilderFixture());
});

/** Looks for as long as it takes, the service doing nothing, and answers the error in the end. */
async function failureOf(request: any): Promise<{ message: string; afterMs: number }> {
  const startedAt = clock.time;
  return complete(request, () => undefined).then(
    () => ({ message: 'complete', afterMs: 0 }),
    (error: Error) => ({ message: error.message, afterMs: clock.time - startedAt }),
  );
}

describe('onEvent', () => {
  it('answers the id that the image is going to have, when it began, and the base image, before anything is made', async () => {
    expect(await onEvent(event())).toEqual({
      PhysicalResourceId: `${ARN}agent`, StartedAt: clock.time, BaseImageVersion: '1', BaseImageStatus: 'AVAILABLE',
    });
    expect(images.images.size).toBe(0);
    expect(artifacts.objects.size).toBe(0);
  });

  it('answers another id for another name', async () => {
    expect((await onEvent(update({ ImageName: 'other' }))).PhysicalResourceId).toBe(`${ARN}other`);
    expect((await onEvent(update())).PhysicalResourceId).toBe(`${ARN}agent`);
  });
});

describe('a base image', () => {
  const latest = event({ ResourceProperties: { ...PROPERTIES, BaseImageVersion: 'latest' } });

  it('latest is the newest that is AVAILABLE, by number', async () => {
    images.managed = ['9', '10.0', '2'].map((version) => ({ version, status: 'AVAILABLE' }));
    images.managed.push({ version: '11', status: 'DEPRECATED' });
    expect(await onEvent(latest)).toMatchObject({ BaseImageVersion: '10', BaseImageStatus: 'AVAILABLE' });
    expect(await complete(latest)).toMatchObject({ BaseImageVersion: '10', BaseImageStatus: 'AVAILABLE' });
    expect(images.submitted[0].build.baseImageVersion).toBe('10');
  });

  it('fails for latest when none is AVAILABLE, telling what there is', async () => {
    images.managed = [{ version: '1', status: 'DEPRECATED' }, { version: '0', status: 'EXPIRED' }];
    await expect(onEvent(latest)).rejects.toThrow('The service offers 1 (DEPRECATED), 0 (EXPIRED).');
  });

  it('fails early for a pinned one that is unknown, telling what there is', async () => {
    const request = event({ ResourceProperties: { ...PROPERTIES, BaseImageVersion: '7' } });
    await expect(onEvent(request)).rejects.toThrow(/there is no version 7 of .*The service offers 1 \(AVAILABLE\), 0 \(DEPRECATED\)\./);
    expect(artifacts.copies).toEqual([]);
  });

  it('that the service does not list any more stops no return to a version that was built on it', async () => {
    await created();
    images.managed = [{ version: '2', status: 'AVAILABLE' }];
    expect(await complete(update({ Tags: { team: 'a' } }))).toMatchObject({ ImageVersion: '1.0', BaseImageStatus: 'UNKNOWN' });
  });

  it.each(['DEPRECATED', 'EXPIRING', 'EXPIRED', 'RECALLED'])('that is %s is used, reported and counted', async (status) => {
    images.managed = [{ version: '1', status }];
    expect(await created()).toMatchObject({ BaseImageStatus: status });
    expect(measured('DeprecatedBaseImage')).toEqual([1]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', version: '1', status }));
  });

  it.each(['throttled', 'busy', 'refused'] as const)('that is pinned needs no answer of the service: %s', async (kind) => {
    images.faults.push({ operation: 'listManagedVersions', when: 'before', error: refuse(kind, 'ListManagedMicrovmImageVersions', 'not authorized') });
    expect(await created()).toMatchObject({ BaseImageVersion: '1', BaseImageStatus: 'UNKNOWN' });
  });

  it('latest is asked for again until the service answers', async () => {
    const error = refuse('throttled', 'ListManagedMicrovmImageVersions');
    images.faults.push(...[1, 2].map(() => ({ operation: 'listManagedVersions', when: 'before' as const, error })));
    expect(await complete(latest)).toMatchObject({ BaseImageVersion: '1', BaseImageStatus: 'AVAILABLE' });
  });
});

describe('an artifact', () => {
  const sourceless = event({ ResourceProperties: { ...PROPERTIES, SourceBucket: undefined, SourceKey: undefined } });

  const builtFrom = async (request: any) => (await start(request)).look();

  it('that is there already is left', async () => {
    artifacts.objects.add('artifacts/agent/0123.zip');
    await created();
    expect(artifacts.copies).toEqual([]);
  });

  it('is waited for while the rights at S3 are on the way', async () => {
    artifacts.faults.push(s3Error('AccessDenied', 403), s3Error('AccessDenied', 403), s3Error('SlowDown', 503));
    const { look } = await start(event());
    for (let looks = 0; looks < 3; looks++) await look();
    expect(images.images.size).toBe(0);
    await look();
    expect(images.image('agent').state).toBe('CREATING');
  });

  it('is not needed for a version that is there: neither its source nor its place need be', async () => {
    await created();
    artifacts.objects.clear();
    artifacts.faults.push(s3Error('NoSuchKey', 404));
    expect(await complete(update())).toMatchObject({ ImageVersion: '1.0' });
    expect(artifacts.objects.size).toBe(0);
  });

  it('is copied of the version that is named', async () => {
    await builtFrom(event({ ResourceProperties: { ...PROPERTIES, SourceObjectVersion: 'v 1' } }));
    expect(artifacts.copies).toEqual(['assets/source.zip@v 1']);
  });

  it('is made of a Dockerfile, of the same text the same bytes', async () => {
    const request = event({
      ResourceProperties: { ...PROPERTIES, SourceBucket: undefined, SourceKey: undefined, SourceDockerfile: 'FROM scratch\n' },
    });
    await builtFrom(request);
    const first = Buffer.from(artifacts.bodies.get('artifacts/agent/0123.zip') ?? []);
    artifacts.objects.clear();
    clock.time += 86_400_000;
    await builtFrom({ ...request, ResourceProperties: { ...request.ResourceProperties, ImageName: 'other' } });
    expect(first.includes('Dockerfile')).toBe(true);
    expect(first.subarray(0, 2).toString()).toBe('PK');
    expect(Buffer.from(artifacts.bodies.get('artifacts/agent/0123.zip') ?? []).equals(first)).toBe(true);
  });

  it.each(['agent/0123.zip', 'bare.zip'])('without a source is used where it lies: %s', async (ArtifactKey) => {
    artifacts.objects.add(`artifacts/${ArtifactKey}`);
    await complete({ ...sourceless, ResourceProperties: { ...sourceless.ResourceProperties, ArtifactKey } });
    expect([artifacts.copies, artifacts.bodies.size]).toEqual([[], 0]);
  });

  it('fails without a source when it is not there, naming bucket and key', async () => {
    await expect(builtFrom(sourceless)).rejects.toThrow('There is no object agent/0123.zip in bucket artifacts');
  });

  it('fails after five minutes when S3 does not say whether it is there', async () => {
    artifacts.absence = 'hidden';
    const { message, afterMs } = await failureOf(sourceless);
    expect(message).toContain('there is no object agent/0123.zip in bucket artifacts');
    expect(message).toContain('or the image-builder may not read it');
    expect(afterMs).toBe(5 * MINUTE);
  });

  it.each([
    [s3Error('NoSuchKey', 404), 'Publish the assets again'],
    [s3Error('NoSuchBucket', 404), 'Publish the assets again'],
    [s3Error('InvalidRequest', 400, 'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120'), '5 GiB at most'],
    [s3Error('InvalidArgument', 400, 'Odd.'), 'Cannot copy source.zip of bucket assets to bucket artifacts: InvalidArgument: Odd.'],
  ])('fails at once when it never will be: %#', async (error, words) => {
    artifacts.faults.push(error);
    await expect(builtFrom(event())).rejects.toThrow(words);
  });
});

describe('create', () => {
  it('asks for an image with everything explicit', async () => {
    await created();
    expect(images.submitted).toEqual([{
      operation: 'create',
      clientToken: clientToken('request-1', 'create', '1'),
      tags: {
        'cdk-microvm-sandbox:owner': expect.stringMatching(/^[0-9a-f]{64}$/),
        'cdk-microvm-sandbox:attempt': expect.stringMatching(/^[0-9a-f]{64}$/),
        'cdk-microvm-sandbox:deployment': expect.stringMatching(/^\d+ [0-9a-f]{32}$/),
      },
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

  it('gives all capabilities only when asked to', async () => {
    await complete(event({ ResourceProperties: { ...PROPERTIES, OsCapabilities: ['ALL'] } }));
    expect(images.submitted[0].build.additionalOsCapabilities).toEqual(['ALL']);
  });

  it('is complete when the version runs and the image names it, not a moment before', async () => {
    const { look } = await start(event());
    await look();
    const image = images.image('agent');
    expect(await look()).toEqual({ IsComplete: false });
    Object.assign(image.versions[0], { state: 'SUCCESSFUL', status: 'ACTIVE' });
    expect(await look()).toEqual({ IsComplete: false });
    expect(image.tags['cdk-microvm-sandbox:current']).toBeUndefined();
    image.state = 'CREATED';
    expect(await look()).toEqual({ IsComplete: false });
    expect(image.tags['cdk-microvm-sandbox:current']).toBe('1.0');
    expect(await look()).toEqual({
      IsComplete: true, Data: { ImageArn: `${ARN}agent`, ImageVersion: '1.0', BaseImageVersion: '1', BaseImageStatus: 'AVAILABLE' },
    });
  });

  it('reports how long a build took, once', async () => {
    await created();
    expect(measured('BuildDuration')).toEqual([10_000]);
    expect(lines.find((line) => 'BuildDuration' in line)).toMatchObject({
      ImageName: 'agent', _aws: { CloudWatchMetrics: [{ Namespace: 'CdkMicrovmSandbox', Dimensions: [['ImageName']] }] },
    });
    await complete(update({ Tags: { a: 'b' } }));
    expect(measured('BuildDuration')).toHaveLength(1);
  });

  it.each(['get', 'listVersions', 'getVersion', 'tag', 'create'])('looks again when the service does not answer %s', async (operation) => {
    for (const kind of ['throttled', 'busy', 'conflict'] as const) {
      images.faults.push({ operation, when: 'before', error: refuse(kind, operation) }, { operation, when: 'after', error: refuse('busy', operation) });
    }
    expect(await created()).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(1);
  });

  it('has the same token for a repetition of an attempt, and another one for the next attempt with the same content', async () => {
    const { look, handed } = await start(event());
    images.faults.push({ operation: 'create', when: 'after', error: refuse('busy', 'CreateMicrovmImage') });
    await Promise.all([look(), look()]);
    expect(images.submitted).toHaveLength(1);
    images.images.clear();
    await (await start({ ...handed, RequestId: 'request-9' })).look();
    expect(images.submitted[1].clientToken).not.toBe(images.submitted[0].clientToken);
    expect(images.submitted[1].clientToken).toMatch(/^[0-9a-f]{64}$/);
  });

  it('takes over what an earlier attempt of the same resource left behind: built, or failed', async () => {
    await created();
    expect(await complete(event({ RequestId: 'request-5' }))).toMatchObject({ ImageVersion: '1.0' });
    images.version('agent', '1.0').state = 'FAILED';
    images.image('agent').state = 'CREATE_FAILED';
    expect(await complete(event({ RequestId: 'request-6' }))).toMatchObject({ ImageVersion: '2.0' });
    expect(images.submitted.map(({ operation }) => operation)).toEqual(['create', 'update']);
  });

  it.each([
    ['another stack', { StackId: 'stack-2' }], ['another resource', { LogicalResourceId: 'Other' }],
  ])('fails naming the image and the ways out when its name is taken by %s', async (_, owner) => {
    await complete(event(owner));
    const { message } = await failureOf(event({ RequestId: 'request-5' }));
    expect(message).toMatch(/ImageName: the account has an image agent .*Choose another name, import that image/);
    expect(images.submitted).toHaveLength(1);
  });

  it('waits for a name that is still reserved by an image that is being deleted, whoever\'s it was', async () => {
    await complete(event({ StackId: 'stack-2' }));
    images.image('agent').state = 'DELETING';
    const { look } = await start(event({ RequestId: 'request-5' }));
    expect(await look()).toEqual({ IsComplete: false });
    images.finishDeletions();
    await look();
    expect(images.image('agent').state).toBe('CREATING');
  });

  it('deletes an image of its own again whose deletion failed, and makes a new one', async () => {
    await created();
    images.image('agent').state = 'DELETE_FAILED';
    expect(await complete(event({ RequestId: 'request-5' }))).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted.map(({ operation }) => operation)).toEqual(['create', 'create']);
  });

  it('fails at once, with the quota\'s code, when the account has as many images as it may have', async () => {
    images.maxImages = 0;
    const { message, afterMs } = await failureOf(event());
    expect([message, afterMs]).toEqual([expect.stringContaining('L-942E56BE'), 0]);
  });

  it('fails at once for what the service refuses for good', async () => {
    images.faults.push({ operation: 'create', when: 'before', error: refuse('refused', 'CreateMicrovmImage', 'Invalid base') });
    const { message, afterMs } = await failureOf(event());
    expect([message, afterMs]).toEqual([expect.stringContaining('Invalid base'), 0]);
  });
});

describe('a wait', () => {
  const denied = (message: string) => refuse('refused', 'CreateMicrovmImage', message);
  const always = (operation: string, error: Error) => {
    images.faults.push(...Array.from({ length: 300 }, () => ({ operation, when: 'before' as const, error })));
  };

  it.each([
    ['AccessDeniedException: User is not authorized to perform: iam:PassRole', 'missing iam:PassRole of the caller'],
    ['ValidationException: Lambda was unable to assume the role', 'sts:TagSession'],
    ['AccessDeniedException: User is not authorized to perform: lambda:CreateMicrovmImage', 'lambda:CreateMicrovmImage'],
    ['AccessDeniedException: no message', 'a Region without MicroVMs'],
  ])('for IAM ends after five minutes: %s', async (text, words) => {
    always('create', denied(text));
    const { message, afterMs } = await failureOf(event());
    expect(message).toContain(words);
    expect(afterMs).toBe(5 * MINUTE);
  });

  it('for IAM succeeds within them', async () => {
    images.faults.push(...Array.from({ length: 29 }, () => ({ operation: 'create', when: 'before' as const, error: denied('not authorized') })));
    expect(await created()).toMatchObject({ ImageVersion: '1.0' });
  });

  it.each([
    ['quota', 'Account 1 has reached the maximum number of concurrent builds allowed.', 'L-72E0D058'],
    ['quota', 'The base maximum allocated memory limit has been reached for this account.', 'L-CD1C0CC4'],
    ['throttled', 'Rate exceeded', 'Rate exceeded'],
    ['busy', 'down', 'failing'],
    ['refused', 'A MicroVM image with the name \'agent\' already exists in this account', 'stays taken for some minutes'],
  ] as const)('for %s (%s) ends after 42 minutes, in words', async (kind, text, words) => {
    always('create', refuse(kind, 'CreateMicrovmImage', text));
    const { message, afterMs } = await failureOf(event());
    expect(message).toMatch(/^Gave up after 42 minutes: /);
    expect(message).toContain(words);
    expect(afterMs).toBe(42 * MINUTE);
  });

  it('for a build that hangs ends saying which, how long, and what to do', async () => {
    const { message, afterMs } = await failureOf(event());
    expect(message).toMatch(/^Gave up after 42 minutes: version 1\.0 of image agent is still being built after 4[12] minutes\. The platform cannot cancel a build/);
    expect(message).toContain('a registry or package index that the build\'s network does not reach');
    expect(afterMs).toBe(42 * MINUTE);
  });

  it('for a name ends when the image is not deleted', async () => {
    await created();
    images.image('agent').state = 'DELETING';
    const { message, afterMs } = await failureOf(event({ RequestId: 'request-5' }));
    expect([message, afterMs]).toEqual([expect.stringContaining('stays taken for some minutes'), 42 * MINUTE]);
  });
});

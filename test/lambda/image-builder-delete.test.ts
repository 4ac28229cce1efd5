import { BuilderFixture, deletion, event, PROPERTIES, update } from './builder-fixture';
import { ARN } from './fake-images';
import { refuse } from './fake-microvms';
import { logged } from '../../lambda/image-builder/logged';

let { images, artifacts, clock, lines, onEvent, start, complete, created } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, clock, lines, onEvent, start, complete, created } = new BuilderFixture());
});

const microvm = (microvmId: string, state: string) => ({ microvmId, state, imageVersion: '1.0' });

describe('delete', () => {
  it('drains the microVMs, deletes the image, waits for it and cleans up after it', async () => {
    await created();
    artifacts.objects.add('artifacts/agent/old.zip').add('artifacts/agent2/x.zip').add('artifacts/other/x.zip');
    images.microvms.push(microvm('a', 'RUNNING'), microvm('b', 'SUSPENDED'), microvm('c', 'TERMINATED'));
    const { look } = await start(deletion());

    expect(await look()).toEqual({ IsComplete: false });
    expect(images.microvms.map(({ state }) => state)).toEqual(['TERMINATING', 'TERMINATING', 'TERMINATED']);
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.calls.filter((call) => call === 'terminate')).toHaveLength(2);
    expect(images.calls).not.toContain('delete');

    images.microvms.forEach((running) => { running.state = 'TERMINATED'; });
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.image('agent').state).toBe('DELETING');
    expect(await look()).toEqual({ IsComplete: false });
    expect(artifacts.objects.size).toBe(4);

    images.finishDeletions();
    expect(await look()).toEqual({ IsComplete: true, Data: {} });
    expect([...artifacts.objects]).toEqual(['artifacts/agent2/x.zip', 'artifacts/other/x.zip']);
  });

  it('is complete for an image in state DELETED', async () => {
    await created();
    images.image('agent').state = 'DELETED';
    expect((await (await start(deletion())).look()).IsComplete).toBe(true);
  });

  it.each([
    ['another stack', { StackId: 'stack-2' }], ['another resource', { LogicalResourceId: 'Other' }],
  ])('leaves an image of %s under the name, and says so in the log', async (_, owner) => {
    await created();
    images.microvms.push(microvm('a', 'RUNNING'));
    expect((await (await start(deletion(owner))).look()).IsComplete).toBe(true);
    expect(images.calls).not.toContain('terminate');
    expect(images.image('agent').state).toBe('CREATED');
    expect(lines).toContainEqual({ level: 'warn', message: 'the image is not of this stack and stays', imageArn: `${ARN}agent` });
  });

  it('of the old name leaves the new one', async () => {
    await created();
    await complete(update({ ImageName: 'other' }));
    await complete(deletion());
    expect([...images.images.keys()]).toEqual([`${ARN}other`]);
  });

  it.each(['not_found', 'conflict', 'throttled', 'busy', 'refused'] as const)('tries again when the service answers %s to the delete', async (kind) => {
    await created();
    const error = refuse(kind, 'DeleteMicrovmImage', 'Cannot delete MicroVM image in its current state: UPDATING');
    images.faults.push({ operation: 'delete', when: 'before', error });
    const { look } = await start(deletion());
    expect(await look()).toEqual({ IsComplete: false });
    await look();
    expect(images.image('agent').state).toBe('DELETING');
  });

  it('tries an image again whose deletion failed', async () => {
    await created();
    images.image('agent').state = 'DELETE_FAILED';
    await (await start(deletion())).look();
    expect(images.image('agent').state).toBe('DELETING');
  });

  it('fails when the role may not delete, after the time that IAM takes', async () => {
    await created();
    const error = refuse('refused', 'DeleteMicrovmImage', 'User is not authorized to perform: lambda:DeleteMicrovmImage');
    images.faults.push(...Array.from({ length: 99 }, () => ({ operation: 'delete', when: 'before' as const, error })));
    const startedAt = clock.time;
    await expect(complete(deletion(), () => undefined)).rejects.toThrow('lambda:DeleteMicrovmImage');
    expect(clock.time - startedAt).toBe(5 * 60_000);
  });

  it('waits for a build in progress, and works after one that failed', async () => {
    await (await start(event())).look();
    const { look } = await start(deletion());
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.calls).not.toContain('delete');
    images.finish('agent', { state: 'FAILED' });
    await look();
    expect(images.image('agent').state).toBe('DELETING');
  });

  it.each([
    ['microVMs', () => images.microvms.push(microvm('a', 'TERMINATING'), microvm('b', 'TERMINATING')), 'microVMs of the image are not terminated: 2 TERMINATING'],
    ['a build', () => {
      Object.assign(images.version('agent', '1.0'), { state: 'IN_PROGRESS' });
      images.image('agent').state = 'UPDATING';
    }, /version 1\.0 of the image is being built since 4\d minutes; the platform can neither cancel/],
    ['the deletion', () => { images.image('agent').state = 'DELETING'; }, 'the service is still deleting the image'],
    ['a refusal', () => images.faults.push(...Array.from({ length: 300 }, () => (
      { operation: 'delete', when: 'before' as const, error: refuse('refused', 'DeleteMicrovmImage', 'Cannot delete microvm image with running microvms.') }
    ))), 'refuses to delete the image: Cannot delete microvm image'],
  ])('fails after 42 minutes saying what stands in the way, and that a new delete goes on: %s', async (_, hinder, words) => {
    await created();
    hinder();
    const startedAt = clock.time;
    const failure: Error = await complete(deletion(), () => undefined).catch((error) => error);
    expect(failure.message).toMatch(words);
    expect(failure.message).toMatch(/[dD]elete the stack again: the deletion goes on where this one stopped\.$/);
    expect(clock.time - startedAt).toBe(42 * 60_000);
  });

  it.each([
    ['an image that is gone', {}],
    ['an id that is no image', { PhysicalResourceId: 'request-1' }],
    ['properties that never passed', { ResourceProperties: { ServiceToken: 'x' } }],
    ['an artifact in no folder', { ResourceProperties: { ...PROPERTIES, ArtifactKey: 'bare.zip' } }],
    ['an artifact of somebody else', { ResourceProperties: { ...PROPERTIES, ArtifactKey: 'folder/bare.zip', SourceBucket: undefined, SourceKey: undefined } }],
    ['an object that was used at the top of its bucket', { ResourceProperties: { ...PROPERTIES, ArtifactKey: 'bare.zip', SourceBucket: undefined, SourceKey: undefined } }],
  ])('succeeds for %s', async (_, change) => {
    artifacts.objects.add('artifacts/bare.zip').add('artifacts/folder/bare.zip');
    const { look } = await start(deletion(change));
    expect((await look()).IsComplete).toBe(true);
    expect(artifacts.objects.size).toBe(2);
  });

  it('terminates fewer than ten a second, survives a throttle, and leaves the rest to the next look', async () => {
    await created();
    for (let i = 0; i < 200; i++) images.microvms.push(microvm(`m${i}`, 'RUNNING'));
    images.faults.push({ operation: 'terminate', when: 'before', error: refuse('throttled', 'TerminateMicrovm') });
    const { look } = await start(deletion());
    const before = clock.time;
    await look();
    expect(images.microvms.filter(({ state }) => state === 'TERMINATING')).toHaveLength(159);
    expect(clock.time - before).toBe(160 * 125);
    await look();
    expect(images.microvms.every(({ state }) => state === 'TERMINATING')).toBe(true);
  });
});

describe('properties', () => {
  it.each([
    [{ RetainVersions: '0' }], [{ RetainVersions: '48' }], [{ OsCapabilities: ['ALL'] }], [{ Tags: { [`a${'b'.repeat(127)}`]: 'v'.repeat(256) } }],
    [{ SourceObjectVersion: 'v' }], [{ SourceBucket: undefined, SourceKey: undefined, SourceDockerfile: 'FROM a' }], [{ BaseImageVersion: 'latest' }],
    [{ SourceBucket: undefined, SourceKey: undefined, ArtifactKey: 'a' }], [{ ArtifactKey: 'a/b' }],
    [{ ImageName: 'x'.repeat(64) }], [{ MemoryMib: '512' }], [{ MemoryMib: '8192' }], [{ Hooks: undefined }],
    [{ Hooks: { Port: '65535', Ready: '3600', Terminate: '60' } }],
    [{ Environment: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`K${i}`, 'v'])) }],
  ])('pass within their bounds: %#', async (change) => {
    artifacts.objects.add('artifacts/a');
    await expect(onEvent(event({ ResourceProperties: { ...PROPERTIES, ...change } }))).resolves.toBeDefined();
  });

  it.each([
    [{ RetainVersions: '49' }, 'RetainVersions'],
    [{ RetainVersions: undefined }, 'RetainVersions'],
    [{ OsCapabilities: ['SYS_ADMIN'] }, 'OsCapabilities'],
    [{ Tags: { 'aws:x': 'private' } }, 'Tags'],
    [{ Tags: { 'cdk-microvm-sandbox:owner': 'private' } }, 'Tags'],
    [{ Tags: { a: 'private'.repeat(40) } }, 'Tags.a'],
    [{ SourceBucket: undefined }, 'SourceBucket and SourceKey come together'],
    [{ SourceBucket: undefined, SourceKey: undefined, SourceObjectVersion: 'v' }, 'SourceObjectVersion'],
    [{ SourceDockerfile: 'FROM private' }, 'exclude each other'],
    [{ BaseImageVersion: 'newest' }, 'BaseImageVersion'],
    [{ ImageName: 'x'.repeat(65) }, 'ImageName'],
    [{ ImageName: 'a b' }, 'ImageName'],
    [{ BaseImageVersion: '1.0' }, 'BaseImageVersion'],
    [{ MemoryMib: '3072' }, 'MemoryMib: not one of 512, 1024, 2048, 4096, 8192'],
    [{ MemoryMib: 'many' }, 'MemoryMib: not a whole number'],
    [{ EgressConnectorArns: [] }, 'EgressConnectorArns'],
    [{ LogGroupName: '/aws/lambda/microvms/agent' }, 'LogGroupName'],
    [{ ArtifactKey: 'bare.zip' }, 'ArtifactKey: not a key inside a folder'],
    [{ ArtifactKey: 'bare.zip', SourceBucket: undefined, SourceKey: undefined, SourceDockerfile: 'FROM a' }, 'ArtifactKey: not a key inside a folder'],
    [{ ArtifactKey: '/bare.zip', SourceBucket: undefined, SourceKey: undefined }, 'ArtifactKey: not a key'],
    [{ Hooks: { Port: '9000', Run: '10' } }, 'Hooks: Run, Resume, Suspend and Terminate need Ready'],
    [{ Hooks: { Port: '0', Ready: '1' } }, 'Hooks.Port'],
    [{ Hooks: { Port: '65536', Ready: '1' } }, 'Hooks.Port'],
    [{ Hooks: { Port: '9000', Ready: '3601' } }, 'Hooks.Ready'],
    [{ Hooks: { Port: '9000', Ready: '1', Run: '61' } }, 'Hooks.Run'],
    [{ Environment: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`K${i}`, 'v'])) }, 'Environment: more than 50 variables'],
    [{ Environment: { K: 'private'.repeat(1000) } }, 'Environment.K'],
  ])('fail naming what is wrong and no value, before anything is made: %#', async (change, message) => {
    const request = event({ ResourceProperties: { ...PROPERTIES, ...change } });
    const failure = await onEvent(request).catch((error: Error) => error.message);
    expect(failure).toContain(message);
    expect(failure).not.toContain('private');
    expect([...images.calls, ...artifacts.copies]).toEqual([]);
  });
});

it('logs one line a call, without the response URL and the environment', async () => {
  const written: any[] = [];
  const log = (line: any) => written.push(line);
  await logged(log, 'onEvent', event(), () => onEvent(event()));
  const bad = event({ ResourceProperties: { ...PROPERTIES, MemoryMib: '1' } });
  await expect(logged(log, 'onEvent', bad, () => onEvent(bad))).rejects.toThrow('MemoryMib');
  expect(written).toEqual([
    { operation: 'onEvent', requestType: 'Create', logicalResourceId: 'Image', outcome: 'ok', durationMs: expect.any(Number) },
    expect.objectContaining({ outcome: 'error', error: expect.stringContaining('MemoryMib') }),
  ]);
  expect(JSON.stringify(written)).not.toMatch(/secret-signature|"agent"/);
});

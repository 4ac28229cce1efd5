import { BuilderFixture, event, PROPERTIES } from './builder-fixture';
import { ARN } from './fake-images';
import { refuse } from './fake-microvms';
import { logged } from '../../lambda/image-builder/logged';

let { images, artifacts, clock, onEvent, isComplete, start, created } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, clock, onEvent, isComplete, start, created } = new BuilderFixture());
});

describe('delete', () => {
  const request = (change: object = {}) => event({ RequestType: 'Delete', RequestId: 'request-8', PhysicalResourceId: `${ARN}agent`, ...change });

  it('drains the microVMs, deletes the image, waits for it and cleans up after it', async () => {
    await created();
    artifacts.objects.add('artifacts/agent/old.zip').add('artifacts/agent2/x.zip').add('artifacts/other/x.zip');
    images.microvms.push({ microvmId: 'a', state: 'RUNNING' }, { microvmId: 'b', state: 'SUSPENDED' }, { microvmId: 'c', state: 'TERMINATED' });
    const { look } = await start(request());

    expect(await look()).toEqual({ IsComplete: false });
    expect(images.microvms.map(({ state }) => state)).toEqual(['TERMINATING', 'TERMINATING', 'TERMINATED']);
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.calls.filter((call) => call === 'terminate')).toHaveLength(2);
    expect(images.calls).not.toContain('delete');

    images.microvms.forEach((microvm) => { microvm.state = 'TERMINATED'; });
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.image('agent').state).toBe('DELETING');
    expect(await look()).toEqual({ IsComplete: false });
    expect(artifacts.objects.size).toBe(4);

    images.images.clear();
    expect(await look()).toEqual({ IsComplete: true });
    expect([...artifacts.objects]).toEqual(['artifacts/agent2/x.zip', 'artifacts/other/x.zip']);
  });

  it('is complete for an image in state DELETED', async () => {
    await created();
    images.image('agent').state = 'DELETED';
    expect(await isComplete(request())).toEqual({ IsComplete: true });
  });

  it.each(['not_found', 'conflict', 'throttled', 'busy', 'refused'] as const)('tries again when the service answers %s to the delete', async (kind) => {
    await created();
    const error = refuse(kind, 'DeleteMicrovmImage', 'Cannot delete MicroVM image in its current state: UPDATING');
    images.faults.push({ operation: 'delete', when: 'before', error });
    expect(await isComplete(request())).toEqual({ IsComplete: false });
    await isComplete(request());
    expect(images.image('agent').state).toBe('DELETING');
  });

  it('fails when the role may not delete', async () => {
    await created();
    images.faults.push({ operation: 'delete', when: 'before', error: refuse('refused', 'DeleteMicrovmImage', 'not authorized') });
    await expect(isComplete(request())).rejects.toThrow('not authorized');
  });

  it('waits for a build in progress, and works after one that failed', async () => {
    await start(event());
    expect(await isComplete(request())).toEqual({ IsComplete: false });
    expect(images.calls).not.toContain('delete');
    images.finish('agent', { state: 'FAILED' });
    await isComplete(request());
    expect(images.image('agent').state).toBe('DELETING');
  });

  it.each([
    ['an image that is gone', {}],
    ['an id that is no image', { PhysicalResourceId: 'request-1' }],
    ['properties that never passed', { ResourceProperties: { ServiceToken: 'x' } }],
    ['an artifact in no folder', { ResourceProperties: { ...PROPERTIES, ArtifactKey: 'bare.zip' } }],
  ])('succeeds for %s', async (_, change) => {
    artifacts.objects.add('artifacts/bare.zip');
    const { look } = await start(request(change));
    expect(await look()).toEqual({ IsComplete: true });
    expect(artifacts.objects.has('artifacts/bare.zip')).toBe(true);
  });

  it('terminates fewer than ten a second, survives a throttle, and leaves the rest to the next look', async () => {
    await created();
    for (let i = 0; i < 200; i++) images.microvms.push({ microvmId: `m${i}`, state: 'RUNNING' });
    images.faults.push({ operation: 'terminate', when: 'before', error: refuse('throttled', 'TerminateMicrovm') });
    const before = clock.time;
    await isComplete(request());
    expect(images.microvms.filter(({ state }) => state === 'TERMINATING')).toHaveLength(159);
    expect(clock.time - before).toBe(160 * 125);
    await isComplete(request());
    expect(images.microvms.every(({ state }) => state === 'TERMINATING')).toBe(true);
  });
});

describe('properties', () => {
  it.each([
    [{ ImageName: 'x'.repeat(64) }], [{ MemoryMib: '512' }], [{ MemoryMib: '8192' }], [{ Hooks: undefined }],
    [{ Hooks: { Port: '65535', Ready: '3600', Terminate: '60' } }],
    [{ Environment: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`K${i}`, 'v'])) }],
  ])('pass within their bounds: %#', async (change) => {
    await expect(onEvent(event({ ResourceProperties: { ...PROPERTIES, ...change } }))).resolves.toBeDefined();
  });

  it.each([
    [{ ImageName: 'x'.repeat(65) }, 'ImageName'],
    [{ ImageName: 'a b' }, 'ImageName'],
    [{ BaseImageVersion: '1.0' }, 'BaseImageVersion'],
    [{ MemoryMib: '3072' }, 'MemoryMib: not one of 512, 1024, 2048, 4096, 8192'],
    [{ MemoryMib: 'many' }, 'MemoryMib: not a whole number'],
    [{ EgressConnectorArns: [] }, 'EgressConnectorArns'],
    [{ LogGroupName: '/aws/lambda/microvms/agent' }, 'LogGroupName'],
    [{ ArtifactKey: 'bare.zip' }, 'ArtifactKey: not a key inside a folder'],
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
  const lines: any[] = [];
  const log = (line: any) => lines.push(line);
  await logged(log, 'onEvent', event(), () => onEvent(event()));
  const bad = event({ ResourceProperties: { ...PROPERTIES, MemoryMib: '1' } });
  await expect(logged(log, 'onEvent', bad, () => onEvent(bad))).rejects.toThrow('MemoryMib');
  expect(lines).toEqual([
    { operation: 'onEvent', requestType: 'Create', logicalResourceId: 'Image', outcome: 'ok', durationMs: expect.any(Number) },
    expect.objectContaining({ outcome: 'error', error: expect.stringContaining('MemoryMib') }),
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/secret-signature|"agent"/);
});

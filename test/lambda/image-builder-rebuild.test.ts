import { BuilderFixture, event, PROPERTIES, update } from './builder-fixture';
import { s3Error } from './fake-artifacts';
import { refuse } from './fake-microvms';

const CURRENT = 'cdk-microvm-sandbox:current';
const LATEST = { ...PROPERTIES, BaseImageVersion: 'latest' };
const MINUTE = 60_000;

let { images, artifacts, clock, lines, rebuild, start, complete, serve, measured } = new BuilderFixture();

/** What the service does while the rebuild sleeps. */
let meanwhile: () => void;

beforeEach(async () => {
  const fixture = new BuilderFixture();
  ({ images, artifacts, clock, lines, rebuild, start, complete, serve, measured } = fixture);
  meanwhile = serve;
  const sleep = clock.sleep.bind(clock);
  await complete(event({ ResourceProperties: LATEST }));
  clock.sleep = async (delayMs) => {
    await sleep(delayMs);
    meanwhile();
  };
});

const publish = (version: string) => images.managed.push({ version, status: 'AVAILABLE' });
const said = () => lines.filter(({ operation }) => operation === 'rebuild').map(({ message }) => message);
const tag = () => images.image('agent').tags[CURRENT];

describe('a rebuild', () => {
  it('builds the current version\'s whole configuration on the newest base, and makes it the only active one', async () => {
    publish('2');
    publish('3');
    await rebuild();
    expect(images.submitted).toHaveLength(2);
    expect(images.submitted[1].build).toEqual({ ...JSON.parse(JSON.stringify(images.submitted[0].build)), baseImageVersion: '3' });
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
    expect(tag()).toBe('2.0');
    expect(measured('BuildDuration')).toHaveLength(2);
  });

  it('does nothing when there is no newer base, and says so', async () => {
    publish('0');
    await rebuild();
    expect(images.submitted).toHaveLength(1);
    expect(said()).toEqual(['version 1.0 is current']);
  });

  it.each([
    ['the only one', []], ['AVAILABLE', [{ version: '2', status: 'DEPRECATED' }]],
  ])('does nothing when the base is no longer %s, and counts it once', async (_, others) => {
    images.managed = [{ version: '1', status: others.length > 0 ? 'EXPIRING' : 'AVAILABLE' }, { version: '0', status: 'AVAILABLE' }, ...others];
    await rebuild();
    expect(images.submitted).toHaveLength(1);
    expect(measured('DeprecatedBaseImage')).toEqual(others.length > 0 ? [1] : []);
  });

  it('counts an old base once although it looks often', async () => {
    images.managed = [{ version: '1', status: 'DEPRECATED' }, { version: '2', status: 'AVAILABLE' }];
    await rebuild();
    expect(measured('DeprecatedBaseImage')).toEqual([1]);
    expect(tag()).toBe('2.0');
  });

  it('prunes as a deployment does', async () => {
    for (const version of ['2', '3', '4']) {
      publish(version);
      await rebuild({ eventId: `tick-${version}` });
    }
    expect(images.states('agent')).toEqual(['3.0 SUCCESSFUL INACTIVE', '4.0 SUCCESSFUL ACTIVE']);
  });

  it('puts the artifact back if it is gone', async () => {
    artifacts.objects.clear();
    publish('2');
    await rebuild();
    expect([...artifacts.objects]).toEqual(['artifacts/agent/0123.zip']);
    expect(tag()).toBe('2.0');
  });

  it('fails when the artifact is gone and its source too', async () => {
    artifacts.objects.clear();
    artifacts.faults.push(s3Error('NoSuchKey', 404));
    publish('2');
    await expect(rebuild()).rejects.toThrow('Publish the assets again');
    expect(images.submitted).toHaveLength(1);
  });

  it('does not put the schedule\'s source in the place of an artifact that it does not know', async () => {
    artifacts.objects.clear();
    publish('2');
    await expect(rebuild({ artifactKey: 'agent/other.zip' })).rejects.toThrow('There is no object agent/0123.zip in bucket artifacts');
    expect(artifacts.objects.size).toBe(0);
  });

  it('whose build fails says why in the log, counts it, and leaves the current version in use, startable', async () => {
    publish('2');
    meanwhile = () => {
      if (images.image('agent').versions.at(-1)?.state === 'PENDING') images.finish('agent', { state: 'FAILED', stateReason: 'DISK_STORAGE_FULL' });
      images.finishDeletions();
    };
    await rebuild();
    expect(measured('BuildFailed')).toEqual([1]);
    expect(lines).toContainEqual(expect.objectContaining({
      level: 'error', current: '1.0', error: expect.stringContaining('Image agent, version 2.0, failed to build. DISK_STORAGE_FULL ('),
    }));
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL ACTIVE']);
    expect([images.image('agent').state, tag()]).toEqual(['UPDATED', '1.0']);
  });

  it('throws before its function ends, and the next delivery goes on with the same version', async () => {
    publish('2');
    meanwhile = () => undefined;
    const startedAt = clock.time;
    await expect(rebuild()).rejects.toThrow('is not done yet: version 2.0 of image agent is still being built');
    expect(clock.time - startedAt).toBeLessThanOrEqual(13 * MINUTE);
    expect(clock.time - startedAt).toBeGreaterThan(12 * MINUTE);
    meanwhile = serve;
    await rebuild();
    expect(images.submitted).toHaveLength(2);
    expect(tag()).toBe('2.0');
  });

  it('that is delivered again after a crash at any call builds once and ends well', async () => {
    publish('2');
    for (const operation of ['get', 'listVersions', 'getVersion', 'update', 'tag', 'setStatus', 'listManagedVersions']) {
      images.faults.push({ operation, when: 'after', error: new Error('crash') });
      await rebuild().catch(() => undefined);
      serve();
    }
    await rebuild();
    expect(images.submitted).toHaveLength(2);
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
    expect(tag()).toBe('2.0');
  });

  it('waits for room to build', async () => {
    publish('2');
    const error = refuse('quota', 'UpdateMicrovmImage', 'Account 1 has reached the maximum number of concurrent builds allowed.');
    images.faults.push({ operation: 'update', when: 'before', error });
    await rebuild();
    expect(tag()).toBe('2.0');
  });

  it.each([
    ['there is no image', () => images.images.clear(), 'there is no such image'],
    ['nothing was deployed yet', () => { delete images.image('agent').tags[CURRENT]; }, 'no deployment of the image is complete yet'],
    ['somebody changes the image', () => { images.image('agent').state = 'UPDATING'; }, 'the image is UPDATING'],
    ['the image is being deleted', () => { images.image('agent').state = 'DELETING'; }, 'the image is DELETING'],
    ['no base is AVAILABLE', () => { images.managed = [{ version: '1', status: 'RECALLED' }]; }, 'the service does not tell which base images there are'],
  ])('leaves everything as it is when %s', async (_, change, message) => {
    publish('2');
    change();
    await rebuild();
    expect(images.submitted).toHaveLength(1);
    expect(said()).toEqual([message]);
    expect(clock.sleeps).toEqual([]);
  });
});

describe('a rebuild and a deployment', () => {
  const next = () => update({ BaseImageVersion: 'latest', ArtifactKey: 'agent/next.zip' }, 'request-2', LATEST);

  it('a rebuild keeps away from a deployment, also between two of its steps, and for an hour from one that never ended', async () => {
    publish('2');
    const { look } = await start(next());
    await look();
    images.finish('agent');
    await rebuild();
    expect(said()).toEqual(['a deployment is under way']);
    clock.time += 60 * MINUTE;
    await rebuild();
    expect(images.submitted).toHaveLength(3);
  });

  it('a deployment that comes while a rebuild builds wins, and the rebuild leaves the tag alone', async () => {
    publish('2');
    let looks: (() => Promise<{ IsComplete: boolean }>) | undefined;
    const pending: Promise<unknown>[] = [];
    let beats = 0;
    meanwhile = () => {
      beats += 1;
      if (beats === 1) pending.push(start(next()).then(({ look }) => { looks = look; return look(); }));
      if (beats === 2) serve();
    };
    await rebuild();
    await Promise.all(pending);
    expect(said()).toEqual(['a deployment is under way']);
    expect(tag()).toBe('1.0');
    serve();
    while (looks && !(await looks()).IsComplete) serve();
    expect(images.submitted.at(-1)?.build.codeArtifact.uri).toBe('s3://artifacts/agent/next.zip');
    expect(tag()).toBe(images.image('agent').versions.at(-1)?.imageVersion);
    expect(images.image('agent').versions.filter(({ status }) => status === 'ACTIVE')).toHaveLength(1);
  });

  it('a deployment puts a tag right that a rebuild set between two of its looks', async () => {
    const { look } = await start(next());
    await look();
    images.finish('agent');
    await look();
    expect(tag()).toBe('2.0');
    images.image('agent').tags[CURRENT] = '1.0';
    expect(await look()).toEqual({ IsComplete: false });
    expect(tag()).toBe('2.0');
    expect((await look()).IsComplete).toBe(true);
  });

  it('a deployment after a rebuild finds the version that the rebuild built', async () => {
    publish('2');
    await rebuild();
    const request = update({ BaseImageVersion: 'latest', Tags: { a: 'b' } }, 'request-2', LATEST);
    expect(await complete(request)).toMatchObject({ ImageVersion: '2.0', BaseImageVersion: '2' });
    expect(images.submitted).toHaveLength(2);
  });
});

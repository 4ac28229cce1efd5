import { BuilderFixture, event, PROPERTIES, update } from './builder-fixture';
import { refuse } from './fake-microvms';

const CURRENT = 'cdk-microvm-sandbox:current';

let { images, artifacts, clock, lines, start, complete, created, serve } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, clock, lines, start, complete, created, serve } = new BuilderFixture());
});

const changed = (memory: string) => ({ MemoryMib: memory });
const propertiesWith = (change: object) => ({ ...PROPERTIES, ...change });

describe('update', () => {
  it('builds a version with everything in it, emptied members too, and retires the one it replaces', async () => {
    await created();
    const request = update({ Environment: {}, Description: undefined, ArtifactKey: 'agent/4567.zip' });
    expect(await complete(request)).toMatchObject({ ImageVersion: '2.0' });
    expect(images.submitted[1]).toMatchObject({
      operation: 'update', build: { environmentVariables: {}, codeArtifact: { uri: 's3://artifacts/agent/4567.zip' } },
    });
    expect('description' in images.submitted[1].build).toBe(false);
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
    expect(images.image('agent').tags[CURRENT]).toBe('2.0');
  });

  it.each([
    ['nothing', {}],
    ['the form of a number', { MemoryMib: '2048', Hooks: { Run: '10', Ready: '300', Port: '9000' } }],
    ['the order of members', { Environment: { MODE: 'agent' } }],
  ])('that changes %s builds nothing', async (_, change) => {
    await created();
    expect(await complete(update(change))).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(1);
  });

  it.each([
    [{ Description: 'Other' }], [{ BaseImageVersion: '0' }], [{ BuildRoleArn: 'arn:aws:iam::123456789012:role/other' }], [{ MemoryMib: '512' }],
    [{ ArtifactKey: 'agent/9.zip' }], [{ LogGroupName: '/aws/lambda-microvms/other' }], [{ OsCapabilities: ['ALL'] }],
    [{ EgressConnectorArns: ['arn:aws:lambda:us-east-1:123456789012:network-connector:nc-1'] }], [{ Environment: { MODE: 'b' } }],
    [{ Hooks: undefined }], [{ Hooks: { Port: '9001', Ready: '300', Run: '10' } }], [{ Hooks: { Port: '9000', Ready: '301', Run: '10' } }],
    [{ Hooks: { Port: '9000', Ready: '300', Run: '10', Suspend: '1' } }],
  ])('that changes a member of the build builds: %#', async (change) => {
    await created();
    expect(await complete(update(change))).toMatchObject({ ImageVersion: '2.0' });
  });

  it('of tags only builds nothing; what the user removed goes, what others and AWS set stays', async () => {
    await complete(event({ ResourceProperties: propertiesWith({ Tags: { team: 'a', cost: '1' } }) }));
    Object.assign(images.image('agent').tags, { 'aws:cloudformation:stack-name': 's', 'audited': 'yes' });
    await complete(update({ Tags: { team: 'b' } }, 'request-2', propertiesWith({ Tags: { team: 'a', cost: '1' } })));
    expect(images.submitted).toHaveLength(1);
    expect(images.image('agent').tags).toEqual({
      'team': 'b',
      'audited': 'yes',
      'aws:cloudformation:stack-name': 's',
      [CURRENT]: '1.0',
      'cdk-microvm-sandbox:owner': expect.any(String),
      'cdk-microvm-sandbox:attempt': expect.any(String),
      'cdk-microvm-sandbox:deployment': expect.stringMatching(/ done$/),
    });
  });

  it('of the name makes another image', async () => {
    await created();
    const before = { ...images.image('agent') };
    expect(await complete(update({ ImageName: 'other' }))).toMatchObject({ ImageArn: expect.stringContaining(':other'), ImageVersion: '1.0' });
    expect(images.image('agent').state).toBe(before.state);
  });

  it('that comes while a version is being built waits for it, and builds once, whatever a busy image answers to a known token', async () => {
    for (const replays of [true, false]) {
      ({ images, complete, created, start, serve } = new BuilderFixture());
      images.replaysWhileBusy = replays;
      await created();
      const first = await start(update(changed('1024')));
      await first.look();
      const { look } = await start(update(changed('512'), 'request-3'));
      expect(await look()).toEqual({ IsComplete: false });
      expect(images.submitted).toHaveLength(2);
      serve();
      await look();
      expect(images.submitted).toHaveLength(3);
      expect(await look()).toEqual({ IsComplete: false });
      expect(await complete(update(changed('512'), 'request-3'))).toMatchObject({ ImageVersion: '3.0' });
      expect(images.submitted).toHaveLength(3);
    }
  });

  it('loses no answer and builds once, though each call of the service fails once before and once after its work', async () => {
    await created();
    for (const operation of ['get', 'listVersions', 'getVersion', 'update', 'tag', 'setStatus', 'listMicrovms']) {
      for (const when of ['before', 'after'] as const) images.faults.push({ operation, when, error: refuse('busy', operation) });
    }
    expect(await complete(update(changed('1024')))).toMatchObject({ ImageVersion: '2.0' });
    expect(images.submitted).toHaveLength(2);
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL ACTIVE']);
  });

  it('of which every look is delivered twice builds once', async () => {
    await created();
    const { look } = await start(update(changed('1024')));
    for (let looks = 0; looks < 8; looks++) {
      await Promise.all([look(), look()]);
      serve();
    }
    expect((await look()).IsComplete).toBe(true);
    expect(images.submitted).toHaveLength(2);
  });

  it('takes the version that it asked for, whatever the service tells of its configuration', async () => {
    await created();
    const { look } = await start(update(changed('1024')));
    await look();
    images.version('agent', '2.0').build = { ...images.version('agent', '2.0').build, description: 'rewritten by the service' };
    serve();
    await look();
    await look();
    expect(await look()).toMatchObject({ IsComplete: true, Data: { ImageVersion: '2.0' } });
    expect(images.submitted).toHaveLength(2);
  });

  it('builds anew what failed in an earlier attempt', async () => {
    await created();
    const failing = await start(update(changed('1024')));
    await failing.look();
    images.finish('agent', { state: 'FAILED', stateReason: 'ARCHIVE_INVALID' });
    await expect(failing.look()).rejects.toThrow('ARCHIVE_INVALID');
    expect(await complete(update(changed('1024'), 'request-3'))).toMatchObject({ ImageVersion: '3.0' });
  });

  it('puts the artifact back that somebody deleted between two looks', async () => {
    await created();
    const { look } = await start(update({ ArtifactKey: 'agent/2.zip' }));
    artifacts.objects.clear();
    await look();
    expect([...artifacts.objects]).toEqual(['artifacts/agent/2.zip']);
  });

  it('fails when its version was deleted under it', async () => {
    await created();
    const { look } = await start(update(changed('1024')));
    await look();
    images.version('agent', '2.0').state = 'DELETING';
    await expect(look()).rejects.toThrow('Version 2.0 of image agent was deleted while the deployment waited for it.');
  });
});

describe('rollback', () => {
  const replaced = propertiesWith(changed('1024'));
  const back = (requestId = 'request-3') => update({}, requestId, replaced);

  it('after a complete update restores the earlier version without a build', async () => {
    await created();
    await complete(update(changed('1024')));
    expect(await complete(back())).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(2);
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL ACTIVE', '2.0 SUCCESSFUL INACTIVE']);
    expect(images.image('agent').tags[CURRENT]).toBe('1.0');
  });

  it('finds the version before also where none is asked to be kept', async () => {
    const none = { RetainVersions: '0' };
    await complete(event({ ResourceProperties: propertiesWith(none) }));
    await complete(update({ ...none, ...changed('1024') }));
    expect(await complete(update(none, 'request-3', propertiesWith({ ...none, ...changed('1024') })))).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(2);
  });

  it('to a version that is gone builds it again, from an artifact that is put there again, under a new number', async () => {
    await created();
    for (const [index, memory] of ['1024', '512'].entries()) await complete(update(changed(memory), `request-${index + 2}`));
    artifacts.objects.clear();
    expect(await complete(update({}, 'request-4', propertiesWith(changed('512'))))).toMatchObject({ ImageVersion: '4.0' });
    expect([...artifacts.objects]).toEqual(['artifacts/agent/0123.zip']);
    expect(images.states('agent')).toEqual(['3.0 SUCCESSFUL INACTIVE', '4.0 SUCCESSFUL ACTIVE']);
  });

  it('restores a version that was itself gone back to, although a newer one was built before', async () => {
    await created();
    await complete(update(changed('1024')));
    await complete(back());
    await complete(update(changed('4096'), 'request-4'));
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL ACTIVE']);
    expect(await complete(update({}, 'request-5', propertiesWith(changed('4096'))))).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(3);
  });

  it('after a failed build goes on with the earlier version, in an image that microVMs start from', async () => {
    await created();
    const failing = await start(update(changed('1024')));
    await failing.look();
    images.finish('agent', { state: 'FAILED' });
    await expect(failing.look()).rejects.toThrow('failed to build');
    expect(images.image('agent').state).toBe('UPDATE_FAILED');
    expect(await complete(back())).toMatchObject({ ImageVersion: '1.0' });
    expect(images.image('agent').state).toBe('UPDATED');
    expect(images.submitted).toHaveLength(2);
  });

  it('is complete also if the failed version cannot be deleted', async () => {
    await created();
    const failing = await start(update(changed('1024')));
    await failing.look();
    images.finish('agent', { state: 'FAILED' });
    const error = refuse('refused', 'DeleteMicrovmImageVersion', 'no');
    images.faults.push(...Array.from({ length: 9 }, () => ({ operation: 'deleteVersion', when: 'before' as const, error })));
    expect(await complete(back())).toMatchObject({ ImageVersion: '1.0' });
    expect(lines).toContainEqual(expect.objectContaining({ message: 'cannot delete a failed version' }));
  });

  it('while the new version is still being built waits for it, and then restores', async () => {
    await created();
    await (await start(update(changed('1024')))).look();
    const { look } = await start(back());
    expect(await look()).toEqual({ IsComplete: false });
    expect(images.calls).not.toContain('deleteVersion');
    expect(await complete(back())).toMatchObject({ ImageVersion: '1.0' });
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL ACTIVE', '2.0 SUCCESSFUL INACTIVE']);
  });

  it('fails in words when the build that it waits for never ends', async () => {
    await created();
    await (await start(update(changed('1024')))).look();
    await expect(complete(back(), () => undefined)).rejects.toThrow(
      'Gave up after 42 minutes: image agent is UPDATING with version 2.0, which is being built and cannot be cancelled',
    );
  });

  it('restores the version that was in use although latest has moved on, and an ordinary update moves on', async () => {
    const latest = { BaseImageVersion: 'latest' };
    await complete(event({ ResourceProperties: propertiesWith(latest) }));
    images.managed.push({ version: '2', status: 'AVAILABLE' });
    const next = { ...latest, ...changed('1024') };
    expect(await complete(update(next, 'request-2', propertiesWith(latest)))).toMatchObject({ ImageVersion: '2.0', BaseImageVersion: '2' });
    expect(await complete(update(latest, 'request-3', propertiesWith(next)))).toMatchObject({
      ImageVersion: '1.0', BaseImageVersion: '1', BaseImageStatus: 'UNKNOWN',
    });
    expect(images.submitted).toHaveLength(2);
    expect(await complete(update({ ...latest, Tags: { a: 'b' } }, 'request-4', propertiesWith(latest)))).toMatchObject({ BaseImageVersion: '2' });
  });

  it('does not take a version on an older base that was replaced long ago', async () => {
    const latest = { BaseImageVersion: 'latest' };
    const next = { ...latest, ...changed('1024') };
    await complete(event({ ResourceProperties: propertiesWith(latest) }));
    await complete(update(next, 'request-2', propertiesWith(latest)));
    images.managed.push({ version: '2', status: 'AVAILABLE' });
    clock.time += 3 * 3_600_000;
    expect(await complete(update(latest, 'request-3', propertiesWith(next)))).toMatchObject({ ImageVersion: '3.0', BaseImageVersion: '2' });
  });
});

describe('versions', () => {
  const build = async (count: number, retain = '1') => {
    await complete(event({ ResourceProperties: propertiesWith({ RetainVersions: retain }) }));
    for (let index = 2; index <= count; index++) {
      await complete(update({ ArtifactKey: `agent/${index}.zip`, RetainVersions: retain }, `request-${index}`));
    }
  };

  it.each([
    // No construct asks for it, but a parameter of a stack may.
    ['0', ['4.0 SUCCESSFUL INACTIVE', '5.0 SUCCESSFUL ACTIVE']],
    ['1', ['4.0 SUCCESSFUL INACTIVE', '5.0 SUCCESSFUL ACTIVE']],
    ['3', ['2.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL INACTIVE', '4.0 SUCCESSFUL INACTIVE', '5.0 SUCCESSFUL ACTIVE']],
  ])('that were replaced are kept inactive: the newest %s', async (retain, states) => {
    await build(5, retain);
    expect(images.states('agent')).toEqual(states);
  });

  it('that failed are deleted but for the newest', async () => {
    await build(2, '9');
    const failed = { ...images.version('agent', '1.0'), state: 'FAILED', status: 'INACTIVE' };
    images.image('agent').versions.push({ ...failed, imageVersion: '3.0' }, { ...failed, imageVersion: '4.0' });
    images.image('agent').lastVersion = 4;
    await complete(update({ ArtifactKey: 'agent/5.zip', RetainVersions: '9' }, 'request-5'));
    expect(images.states('agent').map((text) => text.slice(0, 8))).toEqual(['1.0 SUCC', '2.0 SUCC', '4.0 FAIL', '5.0 SUCC']);
  });

  it.each(['PENDING', 'RUNNING', 'SUSPENDING', 'SUSPENDED', 'TERMINATING'])('that a %s microVM runs are never deleted', async (state) => {
    await build(2);
    images.microvms.push({ microvmId: 'm', state, imageVersion: '1.0' }, { microvmId: 'n', state: 'TERMINATED', imageVersion: '2.0' });
    await complete(update({ ArtifactKey: 'agent/3.zip' }, 'request-3'));
    expect(images.states('agent')).toEqual(['1.0 SUCCESSFUL INACTIVE', '2.0 SUCCESSFUL INACTIVE', '3.0 SUCCESSFUL ACTIVE']);
  });

  it('are deleted one each look, the image being busy with each', async () => {
    await build(4, '9');
    const { look } = await start(update({ ArtifactKey: 'agent/4.zip' }, 'request-9'));
    const deletions = () => images.calls.filter((call) => call === 'deleteVersion').length;
    const counts: number[] = [];
    for (let looks = 0; looks < 7; looks++) {
      await look();
      counts.push(deletions());
      images.finishDeletions();
    }
    expect(counts).toEqual([0, 1, 2, 2, 2, 2, 2]);
  });

  it.each(['refused', 'quota'] as const)('that cannot be deleted fail no deployment: %s', async (kind) => {
    await build(2);
    const error = refuse(kind, 'DeleteMicrovmImageVersion', 'no');
    images.faults.push({ operation: 'deleteVersion', when: 'before', error });
    expect(await complete(update({ ArtifactKey: 'agent/3.zip' }, 'request-3'))).toMatchObject({ ImageVersion: '3.0' });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', message: 'cannot delete old versions' }));
  });

  it.each([
    ['throttled', () => images.faults.push(...Array.from({ length: 99 }, () => (
      { operation: 'listMicrovms', when: 'before' as const, error: refuse('throttled', 'ListMicrovms') }
    )))],
    ['never done', () => undefined],
  ])('whose deletion is %s fail no deployment, and hold it up for ten minutes at most', async (_, hinder) => {
    await build(2);
    hinder();
    const startedAt = clock.time;
    const builds = () => {
      if (images.image('agent').versions.at(-1)?.state === 'PENDING') images.finish('agent');
    };
    expect(await complete(update({ ArtifactKey: 'agent/3.zip' }, 'request-3'), builds)).toMatchObject({ ImageVersion: '3.0' });
    expect(clock.time - startedAt).toBeLessThanOrEqual(11 * 60_000);
    expect(clock.time - startedAt).toBeGreaterThanOrEqual(10 * 60_000);
  });

  it('make room for a new one when there are as many as there may be', async () => {
    await build(3, '9');
    images.maxVersions = 3;
    expect(await complete(update({ ArtifactKey: 'agent/4.zip', RetainVersions: '9' }, 'request-4'))).toMatchObject({ ImageVersion: '4.0' });
    expect(images.states('agent').map((text) => text.slice(0, 3))).toEqual(['2.0', '3.0', '4.0']);
  });

  it('that are active without being current make room too', async () => {
    await build(2, '9');
    images.maxVersions = 2;
    images.version('agent', '1.0').status = 'ACTIVE';
    expect(await complete(update({ ArtifactKey: 'agent/3.zip', RetainVersions: '9' }, 'request-3'))).toMatchObject({ ImageVersion: '3.0' });
  });

  it('make room as soon as their last microVM is terminated', async () => {
    await build(2, '9');
    images.maxVersions = 2;
    images.microvms.push({ microvmId: 'm', state: 'TERMINATING', imageVersion: '1.0' });
    const { look } = await start(update({ ArtifactKey: 'agent/3.zip', RetainVersions: '9' }, 'request-3'));
    expect(await look()).toEqual({ IsComplete: false });
    images.microvms[0].state = 'TERMINATED';
    for (let looks = 0; looks < 2; looks++, images.finishDeletions()) await look();
    expect(images.states('agent').map((text) => text.slice(0, 3))).toEqual(['2.0', '3.0']);
  });

  it('fails when microVMs keep all of them, saying how many keep which', async () => {
    await build(3, '9');
    images.maxVersions = 3;
    images.microvms.push(...['1.0', '2.0', '2.0'].map((imageVersion, index) => ({ microvmId: `m${index}`, state: 'SUSPENDED', imageVersion })));
    await expect(complete(update({ ArtifactKey: 'agent/4.zip' }, 'request-4'))).rejects.toThrow(/L-F8BECE9C.*version 1\.0 by 1, 2\.0 by 2\. End those/);
  });
});

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    // A linear congruence whose products stay exact.
    state = (state * 1_103_515 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

it.each(Array.from({ length: 60 }, (_, seed) => seed))('from any state comes to the wished version, or to an error with words: %d', async (seed) => {
  const random = numbers(seed + 1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next().value * list.length)] as T;
  const operations = ['get', 'listVersions', 'getVersion', 'update', 'tag', 'setStatus', 'deleteVersion', 'listMicrovms'];
  for (let index = 0; index < 6; index++) {
    const request = update({ ArtifactKey: `agent/${pick([1, 2, 3])}.zip`, RetainVersions: pick(['0', '1', '2']) }, `r${index}`);
    images.faults.push({ operation: pick(operations), when: pick(['before', 'after']), error: refuse(pick(['busy', 'conflict', 'throttled']), 'Op') });
    images.faults.splice(0, images.faults.length - 4);
    const chance = () => {
      const building = [...images.images.values()].some(({ versions }) => versions.at(-1)?.state === 'PENDING');
      if (building && random.next().value < 0.5) images.finish('agent', { state: random.next().value < 0.7 ? 'SUCCESSFUL' : 'FAILED' });
      if (random.next().value < 0.7) images.finishDeletions();
    };
    // A deployment that nobody waits for.
    if (random.next().value < 0.3) {
      await (await start(request)).look();
      continue;
    }
    const answer = await complete(request, chance).catch((error: Error) => error.message);
    if (typeof answer === 'string') {
      expect(answer).toMatch(/failed to build\.|Gave up after \d+ minutes: ./);
      continue;
    }
    const version = images.version('agent', answer?.ImageVersion ?? '');
    expect(version).toMatchObject({
      state: 'SUCCESSFUL', status: 'ACTIVE', build: { codeArtifact: { uri: `s3://artifacts/${request.ResourceProperties.ArtifactKey}` } },
    });
    expect(images.image('agent').tags[CURRENT]).toBe(version.imageVersion);
    expect(images.image('agent').versions.filter(({ status }) => status === 'ACTIVE')).toHaveLength(1);
  }
});

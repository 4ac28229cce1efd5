import { refuse } from './fake-microvms';
import { CONFIGURATION, NOTHING, poolOfEachTest } from './test-pool';
import { ImageVersions } from '../../lambda/pool/image-versions';

const test = poolOfEachTest();
const { dynamo } = test;
const create = (request: object = {}, allocator = test.allocator) => test.ask({ operation: 'create', ...request }, allocator);
const ranVersions = () => test.microvms.requests().map(({ imageVersion }) => imageVersion);
const lookups = () => test.microvms.calls.filter((call) => call === 'currentVersion').length;

describe('a pool that follows its image', () => {
  beforeEach(() => {
    test.configuration = { ...CONFIGURATION, imageVersion: null };
    test.microvms.versions = ['1.0', '2.0'];
  });

  it('runs the current version, and writes it down exactly', async () => {
    const { ok, result } = await create();
    expect(ok).toBe(true);
    expect(ranVersions()).toEqual(['2.0']);
    expect(JSON.parse((await test.record(result.sandbox.sandboxId)).launch.request).imageVersion).toBe('2.0');
    expect(Object.keys(result.launch.timings)).toContain('version');
  });

  it('asks once a minute, not for each sandbox', async () => {
    const { allocator } = test;
    await create({}, allocator);
    test.clock.time += 59_999;
    test.microvms.versions = ['2.0', '3.0'];
    await create({}, allocator);
    expect({ lookups: lookups(), ran: ranVersions() }).toEqual({ lookups: 1, ran: ['2.0', '2.0'] });
    test.clock.time += 1;
    await create({}, allocator);
    expect({ lookups: lookups(), ran: ranVersions() }).toEqual({ lookups: 2, ran: ['2.0', '2.0', '3.0'] });
  });

  it('does not ask for a sandbox that is there', async () => {
    await create({ key: 'k' });
    await create({ key: 'k' });
    expect(lookups()).toBe(1);
  });

  it('starts the newer version where the one it knew was retired in between', async () => {
    const { allocator } = test;
    await create({}, allocator);
    test.microvms.versions = ['3.0'];
    expect((await create({}, allocator)).ok).toBe(true);
    await create({}, allocator);
    expect({ lookups: lookups(), ran: ranVersions() }).toEqual({ lookups: 2, ran: ['2.0', '3.0', '3.0'] });
  });

  it.each([
    ['is gone', refuse('not_found', 'GetMicrovmImage'), 'service_busy', 5000],
    ['cannot be asked for at the moment', refuse('throttled', 'GetMicrovmImage'), 'rate_limited', 1000],
  ])('fails retryably, with nothing written, while the image %s', async (_, error, code, retryAfterMs) => {
    test.microvms.faults.push({ operation: 'currentVersion', when: 'before', error });
    expect(await create()).toMatchObject({ ok: false, error: { code, retryable: true, retryAfterMs } });
    expect(await dynamo.items()).toEqual([]);
    expect((await create()).ok).toBe(true);
  });

  it('fails retryably while the image has no version that can be run', async () => {
    test.microvms.versions = [];
    expect(await create()).toMatchObject({ ok: false, error: { code: 'service_busy', message: expect.stringContaining('no version that can be run') } });
  });
});

describe('a version that a deployment has just retired', () => {
  beforeEach(() => { test.microvms.versions = ['4.0']; });

  it('is replaced by the current one, under a new client token that is written before it is used', async () => {
    const tokens: unknown[] = [];
    const { allocator } = test;
    const { run } = test.microvms;
    test.microvms.run = async (request, clientToken) => {
      const [{ launch }] = await dynamo.items('sandbox');
      expect(launch.clientToken).toBe(clientToken);
      expect(JSON.parse(launch.request)).toEqual(request);
      tokens.push(clientToken);
      return run.call(test.microvms, request, clientToken);
    };
    const { ok, result } = await create({ key: 'k' }, allocator);
    expect(ok).toBe(true);
    expect(result.launch.kind).toBe('cold');
    expect(new Set(tokens).size).toBe(2);
    expect({ ran: ranVersions(), lookups: lookups(), count: await dynamo.count() }).toEqual({ ran: ['4.0'], lookups: 1, count: 1 });
    expect((await create({ key: 'k' }, allocator)).result.sandbox.sandboxId).toBe(result.sandbox.sandboxId);
  });

  it('is not tried again for a minute', async () => {
    const { allocator } = test;
    await create({}, allocator);
    await create({}, allocator);
    expect(test.microvms.calls.filter((call) => call === 'run')).toHaveLength(3);
  });

  it('stays refused, with nothing left, where the image names no other: it is being updated', async () => {
    test.microvms.versions = [];
    test.microvms.currentVersion = async () => '3.0';
    expect(await create({ key: 'k' })).toMatchObject({ ok: false, error: { code: 'service_busy', retryable: true, retryAfterMs: 5000 } });
    expect({ count: await dynamo.count(), keys: await dynamo.items('key') }).toEqual({ count: 0, keys: [] });
  });

  it('stays refused, with nothing left, where the image is gone', async () => {
    test.microvms.faults.push({ operation: 'currentVersion', when: 'before', error: refuse('not_found', 'GetMicrovmImage') });
    expect(await create()).toMatchObject({ ok: false, error: { code: 'service_busy', message: expect.stringContaining('RunMicrovm') } });
    expect(await dynamo.count()).toBe(0);
  });

  it('is looked up once: where the other is refused too, the creation fails with nothing left', async () => {
    test.microvms.currentVersion = async () => '5.0';
    expect(await create()).toMatchObject({ ok: false, error: { code: 'service_busy' } });
    expect(test.microvms.calls).toEqual(['run', 'run']);
    expect(await dynamo.count()).toBe(0);
  });

  it('is not replaced where an attempt before the refusal may have started a microVM', async () => {
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('not_found', 'RunMicrovm', 'No active version found', false) });
    expect(await create()).toMatchObject({ ok: false, error: { code: 'service_busy' } });
    expect(await dynamo.items('sandbox')).toMatchObject([{ state: 'starting' }]);
    expect(lookups()).toBe(0);
  });

  it('is not replaced after another call has sent the intent: that call may have a microVM whose answer was lost', async () => {
    const { allocator } = test;
    test.microvms.versions = ['3.0'];
    test.microvms.currentVersion = async () => {
      // Between the refusal of the first call and its new intent.
      await loseAnswerOfOther();
      return '4.0';
    };
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('not_found', 'RunMicrovm', 'No active version found') });
    expect(await create({ key: 'k' }, allocator)).toMatchObject({ ok: false, error: { code: 'service_busy' } });
    await expectNothingLeaked();
  });

  it('gives racing callers of a key one sandbox', async () => {
    test.microvms.afterRun = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ key: 'alice' })));
    expect(new Set(answers.map(({ result }) => result?.sandbox.sandboxId)).size).toBe(1);
    expect({ running: test.microvms.running.length, count: await dynamo.count() }).toEqual({ running: 1, count: 1 });
  });

  it('leaves nothing where the allocator dies between any two steps', async () => {
    const request = { operation: 'create', key: 'k', idempotencyKey: 'i', timeoutMs: 60_000 };
    const steps = await test.diesAtEachStep(async (dying) => {
      await test.ask(request, { ...test.allocator, ...dying, versions: new ImageVersions(dying) });
      test.clock.time += 91_000;
      await test.keep();
    });
    expect(steps).toBeGreaterThan(16);
  }, 120_000);
});

it('a launch that is refused is not closed while another call may have its microVM', async () => {
  const { allocator } = test;
  const { run } = test.microvms;
  test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('quota', 'RunMicrovm') });
  test.microvms.run = async (request, clientToken) => {
    test.microvms.run = run;
    try {
      return await run.call(test.microvms, request, clientToken);
    } finally {
      await loseAnswerOfOther();
    }
  };
  expect(await create({ key: 'k' }, allocator)).toMatchObject({ ok: false, error: { code: 'quota_exceeded' } });
  await expectNothingLeaked();
});

/** Another call joins the launch of the key `k`, starts its microVM, and does not live to write it down. */
async function loseAnswerOfOther(): Promise<void> {
  test.clock.time += 3000;
  test.microvms.faults.push({ operation: 'run', when: 'after', error: refuse('busy', 'RunMicrovm') });
  expect(await create({ key: 'k' })).toMatchObject({ ok: false, error: { code: 'service_busy' } });
  expect(test.microvms.running).toHaveLength(1);
}

async function expectNothingLeaked(): Promise<void> {
  expect(await dynamo.items('sandbox')).toMatchObject([{ state: 'starting' }]);
  test.clock.time += 91_000;
  await test.keep();
  expect(await test.left()).toEqual(NOTHING);
}

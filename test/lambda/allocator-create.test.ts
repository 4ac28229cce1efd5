import { createHash } from 'node:crypto';
import { refuse } from './fake-microvms';
import { CONFIGURATION, dyingAt, NOTHING, poolOfEachTest } from './test-pool';

const test = poolOfEachTest();
const { dynamo } = test;
const create = (request: object = {}) => test.ask({ operation: 'create', ...request });

describe('a new sandbox', () => {
  it('is answered with its microVM, a token for the daemon port, the secret and the timings', async () => {
    const { ok, result } = await create({ metadata: { team: 'a' } });
    expect(ok).toBe(true);
    expect(result.sandbox).toEqual({
      sandboxId: expect.stringMatching(/^sbx-[0-9a-hjkmnp-tv-z]{26}$/),
      state: 'running',
      generation: 1,
      metadata: { team: 'a' },
      createdAt: test.clock.time,
      expiresAt: test.clock.time + CONFIGURATION.defaultLeaseMs,
      hardExpiresAt: test.clock.time + 28_800_000,
    });
    expect(result.connection).toEqual({
      endpoint: 'microvm-1.example',
      token: 'token-1',
      tokenExpiresAt: test.clock.time + 3_600_000,
      ports: [8080],
      daemon: { port: 8080, secret: expect.stringMatching(/^[\w-]{43}$/) },
    });
    expect(result.launch).toEqual({ kind: 'cold', timings: { find: 0, claim: 0, run: 0, record: 0, token: 0 } });
    expect(test.microvms.tokens).toEqual([{ microvmId: 'microvm-1', ports: [8080], minutes: 60 }]);
    expect(await dynamo.count()).toBe(1);
  });

  it('is asked for with everything explicit and only a hash of its secret', async () => {
    const { result } = await create();
    expect(test.microvms.requests()).toEqual([{
      imageIdentifier: CONFIGURATION.imageArn,
      imageVersion: '3.0',
      ingressNetworkConnectors: CONFIGURATION.ingressConnectorArns,
      egressNetworkConnectors: CONFIGURATION.egressConnectorArns,
      maximumDurationInSeconds: 28_800,
      idlePolicy: { maxIdleDurationSeconds: 300, suspendedDurationSeconds: 28_800, autoResumeEnabled: true },
      logging: { disabled: {} },
      runHookPayload: expect.any(String),
    }]);
    const payload = test.microvms.requests()[0].runHookPayload ?? '';
    const { secret } = result.connection.daemon;
    expect(JSON.parse(payload)).toEqual({
      sandboxId: result.sandbox.sandboxId, generation: 1, secretSha256: createHash('sha256').update(secret).digest('hex'),
    });
    expect(payload).not.toContain(secret);
    expect(payload.length).toBeLessThanOrEqual(4096);
  });

  it.each([
    ['terminates when idle', { idle: { afterSeconds: 60, then: 'terminate' } },
      { idlePolicy: { maxIdleDurationSeconds: 60, suspendedDurationSeconds: 0, autoResumeEnabled: false } }],
    ['has no idle policy', { idle: null }, { idlePolicy: undefined }],
    ['has a role and no log', { executionRoleArn: 'arn:aws:iam::1:role/r' },
      { executionRoleArn: 'arn:aws:iam::1:role/r', logging: { disabled: {} } }],
    ['has a role and a log', { executionRoleArn: 'arn:aws:iam::1:role/r', logGroupName: '/g' }, { logging: { cloudWatch: { logGroup: '/g' } } }],
    ['has a log but no role', { logGroupName: '/g' }, { executionRoleArn: undefined, logging: { disabled: {} } }],
    ['has no runtime of ours', { daemonPort: null, hookPort: null }, { runHookPayload: undefined }],
  ])('follows a pool that %s', async (_, configuration, request) => {
    test.configuration = { ...CONFIGURATION, ...configuration } as typeof CONFIGURATION;
    const { result } = await create();
    expect(test.microvms.requests()[0]).toEqual(expect.objectContaining(Object.fromEntries(
      Object.entries(request).filter(([, value]) => value !== undefined),
    )));
    for (const [name, value] of Object.entries(request)) {
      if (value === undefined) expect(test.microvms.requests()[0]).not.toHaveProperty(name);
    }
    expect(result.connection.ports).toEqual([8080]);
    expect('daemon' in result.connection).toBe(test.configuration.daemonPort !== null);
  });

  it('waits for its token while the microVM is pending', async () => {
    test.microvms.startsAs = 'PENDING';
    for (let i = 0; i < 3; i++) test.microvms.faults.push({ operation: 'createToken', when: 'before', error: refuse('refused', 'CreateMicrovmAuthToken') });
    expect((await create()).ok).toBe(true);
    expect(test.clock.sleeps).toEqual([500, 500, 500]);
  });

  it('asks again for a token that was refused in the moment before the microVM ran', async () => {
    test.microvms.faults.push({ operation: 'createToken', when: 'before', error: refuse('refused', 'CreateMicrovmAuthToken') });
    expect((await create()).ok).toBe(true);
    expect(test.clock.sleeps).toEqual([500]);
  });

  it('fails, and ends the sandbox, when a running microVM gets no token', async () => {
    const error = refuse('refused', 'CreateMicrovmAuthToken', 'AccessDeniedException');
    test.microvms.faults.push(...Array.from({ length: 2 }, () => ({ operation: 'createToken', when: 'before' as const, error })));
    expect(await create()).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(test.microvms.running).toEqual([]);
  });

  it('fails retryably, and ends a sandbox that nobody can come back for, when there is no token in time', async () => {
    const error = refuse('conflict', 'CreateMicrovmAuthToken');
    test.microvms.faults.push(...Array.from({ length: 200 }, () => ({ operation: 'createToken', when: 'before' as const, error })));
    expect(await create()).toMatchObject({ ok: false, error: { code: 'service_busy', retryable: true } });
    expect(await test.left()).toEqual(NOTHING);
  });

  it('fails with the microVM\'s own reason when it dies while it starts, and a retry gets another', async () => {
    test.microvms.afterRun = async (microvm) => {
      Object.assign(test.microvms.microvms.get(microvm.microvmId) ?? {}, { state: 'TERMINATED', stateReason: 'Run lifecycle hook returned HTTP status 400.' });
      test.microvms.afterRun = undefined;
    };
    const failed = await create({ idempotencyKey: 'i' });
    expect(failed).toMatchObject({ ok: false, error: { code: 'sandbox_terminated', retryable: true } });
    expect(failed.error.message).toContain('Run lifecycle hook returned HTTP status 400.');
    expect((await create({ idempotencyKey: 'i' })).result.launch.kind).toBe('cold');
    expect(await dynamo.count()).toBe(1);
  });
});

describe('a key', () => {
  it('answers the same sandbox while it lives', async () => {
    const first = await create({ key: 'alice' });
    const second = await create({ key: 'alice', timeoutMs: 60_000 });
    expect(second.result.sandbox.sandboxId).toBe(first.result.sandbox.sandboxId);
    expect(second.result.launch.kind).toBe('existing');
    expect(second.result.connection.daemon).toEqual(first.result.connection.daemon);
  });

  it.each([1, 2, 3])('gives racing callers one sandbox (round %i)', async () => {
    test.microvms.afterRun = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => create({ key: 'alice', idempotencyKey: `i${i}` })));
    expect(answers.map(({ ok }) => ok)).toEqual(answers.map(() => true));
    expect(new Set(answers.map(({ result }) => result.sandbox.sandboxId)).size).toBe(1);
    expect(test.microvms.running).toHaveLength(1);
    expect(await dynamo.count()).toBe(1);
  });

  it.each(['killed', 'expired', 'gone'])('gets another sandbox when the first one is %s', async (how) => {
    const first = await create({ key: 'alice' });
    const { sandboxId } = first.result.sandbox;
    if (how === 'killed') await test.get({ operation: 'kill', sandboxId });
    if (how === 'expired') test.clock.time += CONFIGURATION.defaultLeaseMs;
    if (how === 'gone') await test.microvms.terminate('microvm-1');
    const second = await create({ key: 'alice' });
    expect(second.result.sandbox.sandboxId).not.toBe(sandboxId);
    await test.keep();
    expect(test.microvms.running).toEqual(['microvm-2']);
    expect((await dynamo.items('key')).map((item) => item.sandboxId)).toEqual([second.result.sandbox.sandboxId]);
    expect(await dynamo.count()).toBe(1);
  });
});

describe('an idempotency key', () => {
  const request = { idempotencyKey: 'i', metadata: { b: '2', a: '1' }, timeoutMs: 60_000 };

  it('answers the same sandbox to the same request, whatever the order of its metadata', async () => {
    const first = await create(request);
    const second = await create({ ...request, metadata: { a: '1', b: '2' } });
    expect(second.result.sandbox.sandboxId).toBe(first.result.sandbox.sandboxId);
  });

  it('gives racing callers one sandbox', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => create(request)));
    expect(new Set(answers.map(({ result }) => result?.sandbox.sandboxId)).size).toBe(1);
    expect(test.microvms.running).toHaveLength(1);
  });

  it.each([{ timeoutMs: 60_001 }, { metadata: { a: '1' } }, { key: 'k' }])('fails for another request: %j', async (other) => {
    await create(request);
    expect(await create({ ...request, ...other })).toMatchObject({ ok: false, error: { code: 'idempotency_conflict', retryable: false } });
  });

  it('fails with sandbox_terminated after its sandbox was killed', async () => {
    const { result } = await create(request);
    await test.get({ operation: 'kill', sandboxId: result.sandbox.sandboxId });
    expect(await create(request)).toMatchObject({ ok: false, error: { code: 'sandbox_terminated' } });
  });

  it('is free again after 24 hours, also where the table still holds it', async () => {
    const { result } = await create(request);
    await test.get({ operation: 'kill', sandboxId: result.sandbox.sandboxId });
    test.clock.time += 24 * 3_600_000 + 1000;
    expect((await create({ ...request, timeoutMs: 70_000 })).ok).toBe(true);
  });
});

describe('the limit', () => {
  it('lets maxSandboxes live, refuses the next, and takes one again after a kill', async () => {
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await create());
    expect(answers.every(({ ok }) => ok)).toBe(true);
    const refused = await create();
    expect(refused).toMatchObject({ ok: false, error: { code: 'pool_exhausted', retryable: true, retryAfterMs: 5000 } });
    expect(refused.error.message).toContain('limit of 5 sandboxes (maxSandboxes)');
    await test.get({ operation: 'kill', sandboxId: answers[0].result.sandbox.sandboxId });
    expect((await create()).ok).toBe(true);
  });

  it('holds when calls race', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => create()));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
    expect(test.microvms.running).toHaveLength(5);
    expect(await dynamo.count()).toBe(5);
  });
});

describe('a launch that fails', () => {
  it.each([
    ['quota', 'quota_exceeded', true, 60_000],
    ['not_found', 'service_busy', true, 5000],
    ['refused', 'internal', false, undefined],
    ['conflict', 'service_busy', true, 1000],
  ] as const)('for good (%s) leaves nothing, and a retry starts anew', async (kind, code, retryable, retryAfterMs) => {
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse(kind, 'RunMicrovm') });
    const { ok, error } = await create({ key: 'k', idempotencyKey: 'i' });
    expect(ok).toBe(false);
    expect(error).toEqual({ code, message: expect.any(String), retryable, ...(retryAfterMs && { retryAfterMs }) });
    expect(await dynamo.count()).toBe(0);
    expect((await dynamo.items()).map((item) => [item.kind, item.state])).toEqual(expect.arrayContaining([['sandbox', 'terminated'], ['pool', undefined]]));
    expect(await dynamo.items('key')).toEqual([]);
    expect(await dynamo.items('idempotency')).toEqual([]);
    expect((await create({ key: 'k', idempotencyKey: 'i' })).ok).toBe(true);
  });

  it('after a retry inside the SDK proves nothing: the record stays and the replay finds the microVM', async () => {
    test.microvms.faults.push({ operation: 'run', when: 'after', error: refuse('quota', 'RunMicrovm', 'quota', false) });
    expect(await create({ idempotencyKey: 'i' })).toMatchObject({ ok: false, error: { code: 'quota_exceeded' } });
    const retried = await create({ idempotencyKey: 'i' });
    expect(retried.result.connection.endpoint).toBe('microvm-1.example');
    expect(test.microvms.running).toEqual(['microvm-1']);
  });

  it('without an answer is replayed by the caller\'s retry, with the same request although the pool has changed', async () => {
    test.microvms.faults.push({ operation: 'run', when: 'after', error: refuse('busy', 'RunMicrovm') });
    expect(await create({ idempotencyKey: 'i' })).toMatchObject({ ok: false, error: { code: 'service_busy', retryable: true } });
    test.configuration = { ...CONFIGURATION, imageVersion: '4.0', daemonPort: null, hookPort: null };
    const retried = await create({ idempotencyKey: 'i' });
    expect(retried.result.launch.kind).toBe('cold');
    expect(retried.result.connection.daemon.port).toBe(8080);
    expect(test.microvms.running).toEqual(['microvm-1']);
  });

  it('never spends its token on a request that is not the one that was written', async () => {
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('busy', 'RunMicrovm') });
    await create({ idempotencyKey: 'i' });
    const [item] = await dynamo.items('sandbox');
    await dynamo.put({ ...item, launch: { ...item.launch, request: item.launch.request.replace('3.0', '4.0') } });
    expect(await create({ idempotencyKey: 'i' })).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(test.microvms.calls.filter((call) => call === 'run')).toHaveLength(1);
  });
});

describe('a kill while the microVM starts', () => {
  it('is noticed by the launch, which ends the microVM', async () => {
    test.microvms.afterRun = async () => {
      const [{ id }] = await dynamo.items('sandbox');
      expect(await test.get({ operation: 'kill', sandboxId: id })).toEqual({ killed: true });
    };
    expect(await create()).toMatchObject({ ok: false, error: { code: 'sandbox_terminated', retryable: false } });
    expect(await test.left()).toEqual(NOTHING);
  });

  it('is noticed also after the keeper has already closed the record', async () => {
    test.microvms.afterRun = async () => {
      test.microvms.afterRun = undefined;
      test.clock.time += 91_000;
      expect((await test.keep()).outcomes).toEqual({ abandoned: 1 });
    };
    expect(await create()).toMatchObject({ ok: false, error: { code: 'sandbox_terminated' } });
    expect(await test.left()).toEqual(NOTHING);
  });
});

describe('an allocator that dies', () => {
  const request = { operation: 'create', key: 'k', idempotencyKey: 'i', timeoutMs: 60_000 };

  it('between any two steps leaves nothing after one pass of the keeper once its lease is over', async () => {
    const steps = await test.diesAtEachStep(async (dying) => {
      await test.ask(request, { ...test.allocator, ...dying });
      test.clock.time += 91_000;
      await test.keep();
      expect(await dynamo.items('key')).toEqual([]);
    });
    // find ×2, claim, run, record, token: two steps each.
    expect(steps).toBeGreaterThan(12);
  });

  it('between any two steps leaves a retry that gets one sandbox with one microVM', async () => {
    for (let step = 1; ; step++) {
      const { pool, survived } = dyingAt(test.pool, step);
      await test.ask(request, { ...test.allocator, ...pool });
      if (survived()) break;
      const retried = await test.ask(request);
      expect({ step, ok: retried.ok, running: test.microvms.running.length, count: await dynamo.count() })
        .toEqual({ step, ok: true, running: 1, count: 1 });
      await test.get({ operation: 'kill', sandboxId: retried.result.sandbox.sandboxId });
      await dynamo.clear();
    }
  });
});

it('never logs a secret, a token, a payload or metadata', async () => {
  const { result } = await create({ metadata: { note: 'private-note' }, key: 'k' });
  await create({ metadata: { note: { private: 'private-object' } } });
  test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('refused', 'RunMicrovm') });
  await create();
  const lines = JSON.stringify(test.logs);
  for (const secret of [result.connection.daemon.secret, result.connection.token, 'secretSha256', 'private-note', 'private-object']) {
    expect(lines).not.toContain(secret);
  }
  expect(test.logs[0]).toMatchObject({ operation: 'create', sandboxId: result.sandbox.sandboxId, outcome: 'ok', durationMs: 0 });
  expect(test.logs[1]).toEqual({ operation: 'none', sandboxId: undefined, outcome: 'error', durationMs: 0, code: 'invalid_argument' });
});

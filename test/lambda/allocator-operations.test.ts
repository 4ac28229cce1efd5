import { refuse } from './fake-microvms';
import { CONFIGURATION, poolOfEachTest } from './test-pool';

const test = poolOfEachTest();
const { dynamo } = test;
const create = (request?: object) => test.create(request);
const strike = (operation: string, error: Error) => test.microvms.faults.push({ operation, when: 'before', error });
const UNKNOWN = `sbx-${'0'.repeat(26)}`;

describe('any operation but kill', () => {
  const requests = [
    { operation: 'connect' }, { operation: 'extend', timeoutMs: 60_000 }, { operation: 'pause' }, { operation: 'resume' },
    { operation: 'token', ports: [80] },
  ];

  it.each(requests)('fails with sandbox_not_found for an unknown id: %j', async (request) => {
    const { error } = await test.ask({ ...request, sandboxId: UNKNOWN });
    expect(error).toMatchObject({ code: 'sandbox_not_found', retryable: false });
    expect(error.message).toContain(UNKNOWN);
  });

  it.each(requests)('fails with sandbox_terminated and the reason after a kill: %j', async (request) => {
    const sandboxId = await create();
    await test.get({ operation: 'kill', sandboxId });
    const { error } = await test.ask({ ...request, sandboxId });
    expect(error).toMatchObject({ code: 'sandbox_terminated', message: expect.stringContaining('killed') });
  });

  it.each(requests)('fails with sandbox_terminated when the lease is over and the keeper has not come yet: %j', async (request) => {
    const sandboxId = await create({ timeoutMs: 60_000 });
    test.clock.time += 60_000;
    expect((await test.ask({ ...request, sandboxId })).error.code).toBe('sandbox_terminated');
  });

  it.each(requests.filter(({ operation }) => operation !== 'extend'))(
    'fails with the service\'s reason for a microVM that ended by itself, and gives its place free: %j',
    async (request) => {
      const sandboxId = await create();
      Object.assign(test.microvms.microvms.get('microvm-1') ?? {}, { state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum lifetime.' });
      if (request.operation === 'token') strike('createToken', refuse('refused', 'CreateMicrovmAuthToken'));
      const { error } = await test.ask({ ...request, sandboxId });
      expect(error).toMatchObject({ code: 'sandbox_terminated', message: expect.stringContaining('MicroVM exceeded maximum lifetime.') });
      expect(await dynamo.count()).toBe(0);
    },
  );

  it.each(requests.filter(({ operation }) => !['extend', 'connect'].includes(operation)))(
    'fails with not_ready while it starts: %j',
    async (request) => {
      strike('run', refuse('busy', 'RunMicrovm'));
      await test.ask({ operation: 'create' });
      const [{ sandboxId }] = await dynamo.items('sandbox');
      expect((await test.ask({ ...request, sandboxId })).error).toMatchObject({ code: 'not_ready', retryable: true });
    },
  );
});

describe('connect', () => {
  it('answers a fresh token for a running sandbox', async () => {
    const sandboxId = await create();
    test.clock.time += 1000;
    const { connection, launch } = await test.get({ operation: 'connect', sandboxId });
    expect(connection).toMatchObject({ token: 'token-2', tokenExpiresAt: test.clock.time + 3_600_000 });
    expect(launch.kind).toBe('existing');
  });

  it('resumes a paused sandbox', async () => {
    const sandboxId = await create();
    await test.get({ operation: 'pause', sandboxId });
    const { sandbox, launch } = await test.get({ operation: 'connect', sandboxId });
    expect({ state: sandbox.state, kind: launch.kind, microvm: test.microvms.microvms.get('microvm-1')?.state })
      .toEqual({ state: 'running', kind: 'resumed', microvm: 'RUNNING' });
  });

  it('resumes a sandbox that the platform suspended', async () => {
    const sandboxId = await create();
    await test.microvms.suspend('microvm-1');
    expect((await test.get({ operation: 'connect', sandboxId })).launch.kind).toBe('resumed');
    expect(test.microvms.microvms.get('microvm-1')?.state).toBe('RUNNING');
  });

  it('resumes what was paused although the service still shows it running', async () => {
    const sandboxId = await create();
    await test.get({ operation: 'pause', sandboxId });
    Object.assign(test.microvms.microvms.get('microvm-1') ?? {}, { state: 'RUNNING' });
    await test.get({ operation: 'connect', sandboxId });
    expect(test.microvms.calls).toContain('resume');
  });

  it('tries again while the microVM is still being suspended', async () => {
    const sandboxId = await create();
    Object.assign(test.microvms.microvms.get('microvm-1') ?? {}, { state: 'SUSPENDING' });
    strike('resume', refuse('conflict', 'ResumeMicrovm'));
    expect((await test.get({ operation: 'connect', sandboxId })).launch.kind).toBe('resumed');
  });

  it('takes a conflict of a running microVM for a success', async () => {
    const sandboxId = await create();
    await test.get({ operation: 'pause', sandboxId });
    Object.assign(test.microvms.microvms.get('microvm-1') ?? {}, { state: 'RUNNING' });
    strike('resume', refuse('conflict', 'ResumeMicrovm'));
    expect((await test.get({ operation: 'connect', sandboxId })).sandbox.state).toBe('running');
    expect(test.microvms.calls.filter((call) => call === 'resume')).toHaveLength(1);
  });

  it('finishes a launch whose caller died', async () => {
    test.microvms.faults.push({ operation: 'run', when: 'after', error: refuse('busy', 'RunMicrovm') });
    await test.ask({ operation: 'create' });
    const [{ sandboxId }] = await dynamo.items('sandbox');
    const { launch, connection } = await test.get({ operation: 'connect', sandboxId });
    expect({ kind: launch.kind, endpoint: connection.endpoint }).toEqual({ kind: 'cold', endpoint: 'microvm-1.example' });
    expect(test.microvms.running).toEqual(['microvm-1']);
  });

  it('believes a service that does not know a microVM only once it is a minute old', async () => {
    const sandboxId = await create();
    strike('get', refuse('not_found', 'GetMicrovm'));
    expect((await test.ask({ operation: 'connect', sandboxId })).ok).toBe(true);
    test.clock.time += 60_000;
    strike('get', refuse('not_found', 'GetMicrovm'));
    expect((await test.ask({ operation: 'connect', sandboxId })).error.code).toBe('sandbox_terminated');
    expect(test.microvms.running).toEqual([]);
  });

  it.each([['throttled', 'rate_limited'], ['busy', 'service_busy']] as const)('fails retryably when the service is %s', async (kind, code) => {
    const sandboxId = await create();
    strike('get', refuse(kind, 'GetMicrovm'));
    expect((await test.ask({ operation: 'connect', sandboxId })).error).toMatchObject({ code, retryable: true, retryAfterMs: 1000 });
  });
});

describe('extend', () => {
  it('moves the end of the lease both ways', async () => {
    const sandboxId = await create();
    expect((await test.get({ operation: 'extend', sandboxId, timeoutMs: 900_000 })).sandbox.expiresAt).toBe(test.clock.time + 900_000);
    expect((await test.get({ operation: 'extend', sandboxId, timeoutMs: 60_000 })).sandbox.expiresAt).toBe(test.clock.time + 60_000);
  });

  it('stops where the platform ends the microVM', async () => {
    const sandboxId = await create();
    test.clock.time += 1000;
    const { sandbox } = await test.get({ operation: 'extend', sandboxId, timeoutMs: 28_800_000 });
    expect(sandbox.expiresAt).toBe(sandbox.hardExpiresAt);
  });

  it('fails when another call shortened the lease and it ended before the write', async () => {
    const sandboxId = await create();
    const { pool } = test;
    const read = pool.table.get.bind(pool.table);
    pool.table.get = async (id) => {
      const record = await read(id);
      pool.table.get = read;
      await test.get({ operation: 'extend', sandboxId, timeoutMs: 60_000 });
      test.clock.time += 60_000;
      return record;
    };
    const { error } = await test.ask({ operation: 'extend', sandboxId, timeoutMs: 60_000 }, { ...test.allocator, ...pool });
    expect(error.code).toBe('sandbox_terminated');
  });

  it('fails when the keeper was first', async () => {
    const sandboxId = await create({ timeoutMs: 60_000 });
    const { pool } = test;
    const read = pool.table.get.bind(pool.table);
    pool.table.get = async (id) => {
      const record = await read(id);
      pool.table.get = read;
      test.clock.time += 60_000;
      await test.keep();
      test.clock.time -= 60_000;
      return record;
    };
    const { error } = await test.ask({ operation: 'extend', sandboxId, timeoutMs: 60_000 }, { ...test.allocator, ...pool });
    expect(error.code).toBe('sandbox_terminated');
  });
});

describe('pause and resume', () => {
  it('suspend and wake the microVM, again without harm', async () => {
    const sandboxId = await create();
    for (const [operation, state, microvm] of [
      ['pause', 'paused', 'SUSPENDED'], ['pause', 'paused', 'SUSPENDED'], ['resume', 'running', 'RUNNING'], ['resume', 'running', 'RUNNING'],
    ]) {
      expect((await test.get({ operation, sandboxId })).sandbox.state).toBe(state);
      expect(test.microvms.microvms.get('microvm-1')?.state).toBe(microvm);
    }
  });

  it('pause takes a conflict of a suspended microVM for a success', async () => {
    const sandboxId = await create();
    await test.microvms.suspend('microvm-1');
    strike('suspend', refuse('conflict', 'SuspendMicrovm'));
    expect((await test.get({ operation: 'pause', sandboxId })).sandbox.state).toBe('paused');
  });

  it('pause fails retryably on a conflict of a running one', async () => {
    const sandboxId = await create();
    strike('suspend', refuse('conflict', 'SuspendMicrovm'));
    expect((await test.ask({ operation: 'pause', sandboxId })).error).toMatchObject({ code: 'service_busy', retryable: true });
  });

  it('pause fails for a sandbox that the platform would terminate instead', async () => {
    test.configuration = { ...CONFIGURATION, idle: { afterSeconds: 60, then: 'terminate' } };
    const sandboxId = await create();
    expect((await test.ask({ operation: 'pause', sandboxId })).error.code).toBe('unsupported');
    expect(test.microvms.calls).not.toContain('suspend');
  });
});

describe('token', () => {
  it('opens exactly the named ports, each once', async () => {
    const sandboxId = await create();
    const { connection } = await test.get({ operation: 'token', sandboxId, ports: [3000, 3000, 8080] });
    expect(connection.ports).toEqual([3000, 8080]);
    expect(test.microvms.tokens[1]).toEqual({ microvmId: 'microvm-1', ports: [3000, 8080], minutes: 60 });
  });

  it('fails for the port of the platform\'s agent, which hands the hooks on', async () => {
    const sandboxId = await create();
    const { error } = await test.ask({ operation: 'token', sandboxId, ports: [3000, 8443] });
    expect(error).toEqual({
      code: 'invalid_argument',
      retryable: false,
      message: 'ports: got 8443, the port of the platform\'s own agent in every microVM, which is never opened. Leave it out.',
    });
    expect(test.microvms.tokens).toHaveLength(1);
    await test.get({ operation: 'token', sandboxId, ports: [8442, 8444] });
  });

  it('fails for the hook port of the image that this sandbox runs, whatever the pool\'s image is now', async () => {
    const sandboxId = await create();
    test.configuration = { ...CONFIGURATION, hookPort: null };
    const { error } = await test.ask({ operation: 'token', sandboxId, ports: [3000, 9000] });
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('ports: got 9000') });
    expect(test.microvms.tokens).toHaveLength(1);
  });
});

describe('kill', () => {
  it('terminates the microVM and forgets the secret', async () => {
    const sandboxId = await create({ key: 'k' });
    expect(await test.get({ operation: 'kill', sandboxId })).toEqual({ killed: true });
    expect(test.microvms.running).toEqual([]);
    const record = await test.record(sandboxId);
    expect(record).toMatchObject({ state: 'terminated', reason: 'killed', removeAfter: Math.ceil(test.clock.time / 1000) + 86_400 });
    expect(record).not.toHaveProperty('launch');
    expect(await dynamo.items('key')).toEqual([]);
    expect(await dynamo.count()).toBe(0);
  });

  it('does nothing the second time, nor for an id that never was', async () => {
    const sandboxId = await create();
    await test.get({ operation: 'kill', sandboxId });
    expect(await test.get({ operation: 'kill', sandboxId })).toEqual({ killed: false });
    expect(await test.get({ operation: 'kill', sandboxId: UNKNOWN })).toEqual({ killed: false });
    expect(await test.get({ operation: 'kill', sandboxId: 'nonsense' })).toEqual({ killed: false });
    expect(await dynamo.count()).toBe(0);
  });

  it('answers false when another call ended it in between', async () => {
    const sandboxId = await create();
    strike('terminate', refuse('throttled', 'TerminateMicrovm'));
    await test.ask({ operation: 'kill', sandboxId });
    const { pool } = test;
    const read = pool.table.get.bind(pool.table);
    pool.table.get = async (id) => {
      const record = await read(id);
      expect(await test.get({ operation: 'kill', sandboxId })).toEqual({ killed: true });
      return record;
    };
    expect(await test.ask({ operation: 'kill', sandboxId }, { ...test.allocator, ...pool })).toEqual({ ok: true, result: { killed: false } });
    expect(await dynamo.count()).toBe(0);
  });

  it('counts down once when calls race', async () => {
    const sandboxId = await create();
    const answers = await Promise.all(Array.from({ length: 8 }, () => test.get({ operation: 'kill', sandboxId })));
    expect(answers.filter(({ killed }) => killed)).toHaveLength(1);
    expect(await dynamo.count()).toBe(0);
  });

  it('is done again after a death between any two steps, by a retry or by the keeper', async () => {
    for (const finish of ['kill', 'keep']) {
      await test.diesAtEachStep(async (dying) => {
        const sandboxId = await create();
        await test.ask({ operation: 'kill', sandboxId }, { ...test.allocator, ...dying });
        if (finish === 'keep' && (await test.record(sandboxId)).state === 'terminating') await test.keep();
        else await test.get({ operation: 'kill', sandboxId });
      });
    }
  });

  it('fails retryably when the service does not take the termination, and the keeper finishes it', async () => {
    const sandboxId = await create();
    strike('terminate', refuse('throttled', 'TerminateMicrovm'));
    expect((await test.ask({ operation: 'kill', sandboxId })).error).toMatchObject({ code: 'rate_limited', retryable: true });
    expect((await test.keep()).outcomes).toEqual({ leftover: 1 });
    expect(test.microvms.running).toEqual([]);
  });

  it('leaves a key alone that another sandbox has taken over', async () => {
    const first = await create({ key: 'k', timeoutMs: 60_000 });
    test.clock.time += 60_000;
    const second = await create({ key: 'k' });
    await test.get({ operation: 'kill', sandboxId: first });
    expect((await dynamo.items('key')).map((item) => item.sandboxId)).toEqual([second]);
    expect(await dynamo.count()).toBe(1);
  });
});

describe('list', () => {
  it('shows what callers may see, in the order of creation, without what has ended', async () => {
    const ids = [];
    for (const team of ['a', 'b', 'a']) {
      ids.push(await create({ metadata: { team }, ...(team === 'b' && { key: 'k' }) }));
      test.clock.time += 1000;
    }
    await test.get({ operation: 'kill', sandboxId: ids[0] });
    const { sandboxes } = await test.get({ operation: 'list' });
    expect(sandboxes.map((sandbox: any) => sandbox.sandboxId)).toEqual(ids.slice(1));
    expect(Object.keys(sandboxes[0]).sort())
      .toEqual(['createdAt', 'expiresAt', 'generation', 'hardExpiresAt', 'key', 'metadata', 'sandboxId', 'state']);
    const ended = await test.get({ operation: 'list', states: ['terminated'] });
    expect(ended.sandboxes).toEqual([expect.objectContaining({ sandboxId: ids[0], state: 'terminated', reason: 'killed' })]);
    expect((await test.get({ operation: 'list', metadata: { team: 'a' } })).sandboxes.map((sandbox: any) => sandbox.sandboxId)).toEqual([ids[2]]);
    expect((await test.get({ operation: 'list', metadata: { team: 'a', toString: 'x' } })).sandboxes).toEqual([]);
  });

  it('goes on where the page before stopped', async () => {
    test.configuration = { ...CONFIGURATION, maxSandboxes: 10 };
    const ids = [];
    for (let i = 0; i < 5; i++) {
      ids.push(await create());
      test.clock.time += 10;
    }
    const seen = [];
    let cursor;
    do {
      const page: any = await test.get({ operation: 'list', limit: 2, ...(cursor && { cursor }) });
      expect(page.sandboxes.length).toBeLessThanOrEqual(2);
      seen.push(...page.sandboxes.map((sandbox: any) => sandbox.sandboxId));
      ({ cursor } = page);
    } while (cursor);
    expect(seen).toEqual(ids);
  });

  it('answers fewer than asked for where metadata would make an answer that Lambda refuses', async () => {
    test.configuration = { ...test.configuration, maxSandboxes: 60 };
    // Six bytes each in JSON.
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}`, '\u0001'.repeat(1024)]));
    for (let index = 0; index < 52; index++) await test.get({ operation: 'create', metadata });
    const first = await test.get({ operation: 'list', limit: 100 });
    expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(6_000_000);
    const second = await test.get({ operation: 'list', limit: 100, cursor: first.cursor });
    expect(first.sandboxes.length + second.sandboxes.length).toBe(52);
    expect(second.cursor).toBeUndefined();
  });

  it('reads past many that ended, and answers a cursor when there are too many', async () => {
    await dynamo.put(...Array.from({ length: 2010 }, (_, i) => {
      const id = `sbx-${String(i).padStart(26, '0')}`;
      return { kind: 'sandbox', id, sandboxId: id, state: i === 2005 ? 'running' : 'terminated', metadata: {}, generation: 1 };
    }));
    const first = await test.get({ operation: 'list' });
    expect(first).toEqual({ sandboxes: [], cursor: expect.any(String) });
    expect((await test.get({ operation: 'list', cursor: first.cursor })).sandboxes).toHaveLength(1);
  });
});

describe('a table that fails', () => {
  it.each([
    [{ name: 'ProvisionedThroughputExceededException' }, 'service_busy', true],
    [{ name: 'TransactionCanceledException' }, 'service_busy', true],
    [{ name: 'InternalServerError', $fault: 'server' }, 'service_busy', true],
    [{ name: 'TimeoutError' }, 'service_busy', true],
    [{ name: 'Error', code: 'ECONNREFUSED' }, 'service_busy', true],
    [{ name: 'AccessDeniedException', $fault: 'client' }, 'internal', false],
    [{ name: 'TypeError' }, 'internal', false],
  ])('is an answer: %j', async (thrown, code, retryable) => {
    const { pool } = test;
    pool.table.get = async () => { throw Object.assign(new Error('private detail'), thrown); };
    const { error } = await test.ask({ operation: 'connect', sandboxId: UNKNOWN }, { ...test.allocator, ...pool });
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).not.toContain('private detail');
  });
});

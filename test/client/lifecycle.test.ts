import { inspect } from 'node:util';
import { answer, HOST, POOL, refusal, SANDBOX_ID, SECRET, TestPool } from './test-pool';
import { InvalidArgumentError, PoolExhaustedError, Sandbox, SandboxError, SandboxTerminatedError, TimeoutError } from '../../client/src';
import { SandboxClient } from '../../client/src/client';
import { POOL_VARIABLE as CLIENT_POOL_VARIABLE } from '../../client/src/protocol';
import { POOL_VARIABLE } from '../../src/contract/pool';

let pool: TestPool;
beforeEach(async () => { pool = await TestPool.start(); });
afterEach(async () => { await pool[Symbol.asyncDispose](); });

test('the constructs and the client name the same environment variable', () => {
  expect(CLIENT_POOL_VARIABLE).toBe(POOL_VARIABLE);
});

test('create resolves once the daemon answered for this sandbox, and says how it came about', async () => {
  pool.asleepFor = 3;
  const sandbox = await pool.client().create({ timeoutMs: 600_000, metadata: { team: 'red' } });
  expect(sandbox.sandboxId).toBe(SANDBOX_ID);
  expect(sandbox.metadata).toEqual({ team: 'red' });
  expect(sandbox.launch.kind).toBe('ready');
  expect(sandbox.launch.timings).toEqual({ claim: 12, allocatorCall: 0, reachable: expect.any(Number) });
  expect(sandbox.launch.timings.reachable).toBeGreaterThan(0);
  expect(sandbox.expiresAt.getTime()).toBeLessThan(sandbox.hardExpiresAt.getTime());
  expect(pool.requests('/v1/health')).toHaveLength(4);
  expect(pool.events[0]).toMatchObject({ version: 1, operation: 'create', timeoutMs: 600_000, metadata: { team: 'red' } });
  // A microVM that starts is no reason to ask about it.
  expect(pool.operations()).toEqual(['create']);
});

test('create waits out a daemon that is not ready', async () => {
  let refused = 0;
  pool.guest = (_request, response) => {
    if (++refused <= 2) return answer(response, { error: { code: 'not_ready', message: 'no /run yet', retryable: true } }, 503);
    answer(response, { sandboxId: SANDBOX_ID, generation: 1, version: '1', running: 0 });
  };
  await pool.client().create();
  expect(pool.requests('/v1/health')).toHaveLength(3);
});

test('fails, and kills the sandbox, if the daemon answers for another one', async () => {
  pool.guest = (_, response) => answer(response, { sandboxId: 'sbx-other', generation: 1, version: '1', running: 0 });
  await expect(pool.client().create()).rejects.toThrow('another sandbox');
  expect(pool.operations()).toEqual(['create', 'kill']);
});

test('fails with scope acquire if the sandbox never answers, and kills it', async () => {
  pool.asleepFor = Infinity;
  const error = await pool.client().create({ requestTimeoutMs: 3000 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ scope: 'acquire', code: 'timeout' });
  expect(pool.operations().at(-1)).toBe('kill');
});

test('a failed create keeps a sandbox that the caller can come back to', async () => {
  pool.asleepFor = Infinity;
  await expect(pool.client().create({ requestTimeoutMs: 3000, idempotencyKey: 'mine' })).rejects.toThrow(TimeoutError);
  expect(pool.operations()).toEqual(['create']);
});

test('create sends the same idempotency key again after a lost answer', async () => {
  pool.onOperation = ({ operation }) => {
    if (operation === 'create' && pool.events.length < 3) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };
  await pool.client().create();
  const keys = pool.events.map((event) => 'idempotencyKey' in event && event.idempotencyKey);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
});

test('create gives up an answer that does not come and asks again', async () => {
  pool.onOperation = ({ operation }) => {
    if (operation !== 'create' || pool.events.length > 1) return;
    setImmediate(() => pool.clock.advance(40_000));
    return new Promise(() => {});
  };
  await pool.client().create();
  expect(pool.operations()).toEqual(['create', 'create']);
});

test('retries wait as long as the allocator says', async () => {
  pool.onOperation = () => { if (pool.events.length === 1) throw refusal('rate_limited', true, 7000); };
  const before = pool.clock.now();
  await pool.client().create();
  expect(pool.clock.now() - before).toBeGreaterThanOrEqual(7000);
});

test('fails at once if the pool is full', async () => {
  pool.onOperation = () => { throw refusal('pool_exhausted', true); };
  await expect(pool.client().create()).rejects.toThrow(PoolExhaustedError);
  expect(pool.events).toHaveLength(1);
});

test('fails with the reason of the signal', async () => {
  const reason = new Error('user left');
  pool.onOperation = () => new Promise(() => {});
  const stop = new AbortController();
  const creating = pool.client().create({ signal: stop.signal });
  stop.abort(reason);
  await expect(creating).rejects.toBe(reason);
});

test('a created sandbox is killed at the end of its scope, a connected one is not', async () => {
  const client = pool.client();
  { await using created = await client.create(); void created; }
  expect(pool.operations()).toEqual(['create', 'kill']);
  { await using connected = await client.connect(SANDBOX_ID); void connected; }
  { await using made = await client.getOrCreate({ key: 'job-1' }); void made; }
  for (const kind of ['existing', 'resumed'] as const) {
    pool.launchKind = kind;
    await using found = await client.getOrCreate({ key: 'job-1' });
    void found;
  }
  expect(pool.operations()).toEqual(['create', 'kill', 'connect', 'create', 'kill', 'create', 'create']);
  expect(pool.events.at(-1)).toMatchObject({ key: 'job-1' });
});

test('a created sandbox is killed also if its create was answered from an earlier attempt', async () => {
  pool.launchKind = 'existing';
  { await using created = await pool.client().create(); void created; }
  expect(pool.operations()).toEqual(['create', 'kill']);
});

test('kill says whether there was something, and closes the handle', async () => {
  const sandbox = await pool.client().create();
  expect(await sandbox.kill()).toBe(true);
  await expect(sandbox.files.list('.')).rejects.toThrow(SandboxTerminatedError);
  pool.onOperation = () => { throw refusal('sandbox_not_found'); };
  expect(await pool.client().kill(SANDBOX_ID)).toBe(false);
});

test('the lease is set and extended through the allocator', async () => {
  const sandbox = await pool.client().create();
  const before = sandbox.expiresAt.getTime();
  expect((await sandbox.setTimeout(120_000)).getTime()).toBe(pool.clock.now() + 120_000);
  expect((await sandbox.extendTimeout(60_000)).getTime()).toBe(pool.clock.now() + 180_000);
  expect(sandbox.expiresAt.getTime()).not.toBe(before);
  await expect(sandbox.setTimeout(59_999)).rejects.toThrow('timeoutMs: 59999');
  await expect(sandbox.extendTimeout(0)).rejects.toThrow(InvalidArgumentError);
});

test('list is a page when awaited and everything when iterated', async () => {
  const client = pool.client();
  const { sandboxes } = await client.list({ limit: 10 });
  expect(sandboxes[0]).toMatchObject({ sandboxId: SANDBOX_ID, createdAt: expect.any(Date) });
  expect(pool.events.at(-1)).toMatchObject({ operation: 'list', limit: 10 });
  const cursors: unknown[] = [];
  const pages = [{ sandboxes: [pool.sandbox()], cursor: 'a' }, { sandboxes: [], cursor: 'b' }, { sandboxes: [pool.sandbox()] }];
  const lambda = {
    async send(command: { input: { Payload?: unknown } }) {
      cursors.push(JSON.parse(String(command.input.Payload)).cursor);
      const page = { ok: true, result: pages[cursors.length - 1] };
      return { $metadata: {}, Payload: Buffer.from(JSON.stringify(page)) as never };
    },
  };
  const ids: string[] = [];
  for await (const { sandboxId } of new SandboxClient({ pool: POOL, lambda }).list()) ids.push(sandboxId);
  expect(ids).toEqual([SANDBOX_ID, SANDBOX_ID]);
  expect(cursors).toEqual([undefined, 'a', 'b']);
});

test('isRunning asks once and resumes nothing', async () => {
  const sandbox = await pool.client().create();
  expect(await sandbox.isRunning()).toBe(true);
  pool.asleepFor = Infinity;
  expect(await sandbox.isRunning()).toBe(false);
  expect(pool.operations()).toEqual(['create']);
});

test('a sandbox without our runtime is created at once and has only ports', async () => {
  pool.daemon = undefined;
  pool.guest = (_, response) => void response.end('mine');
  const sandbox = await pool.client().create();
  expect(pool.arrived).toHaveLength(0);
  await expect(sandbox.commands.run('true')).rejects.toMatchObject({ name: 'UnsupportedError', code: 'unsupported' });
  await expect(sandbox.isRunning()).rejects.toThrow('waitForPort');
  expect(await (await sandbox.fetch(8080)).text()).toBe('mine');
});

test('pause and resume go through the allocator, and resume waits for the daemon', async () => {
  const sandbox = await pool.client().create();
  await sandbox.pause();
  pool.asleepFor = 1;
  await sandbox.resume();
  expect(pool.operations()).toEqual(['create', 'pause', 'resume']);
  expect(pool.requests('/v1/health')).toHaveLength(3);
});

test('no handle shows a token or a secret', async () => {
  const client = pool.client();
  const sandbox = await client.create();
  const shown = [
    ...[sandbox, sandbox.commands, sandbox.files, client].map((handle) => inspect(handle, { showHidden: true })),
    JSON.stringify(sandbox),
    JSON.stringify(client),
    String(sandbox),
  ].join('\n');
  expect(shown).toContain(SANDBOX_ID);
  expect(shown).not.toContain(SECRET);
  expect(shown).not.toContain('platform-token');
  expect(shown).not.toContain(HOST);
});

test('the static methods use the pool of the environment', async () => {
  const saved = { ...process.env };
  try {
    delete process.env.SANDBOX_POOL;
    await expect(Sandbox.create()).rejects.toThrow('SANDBOX_POOL');
    process.env.SANDBOX_POOL = 'not an arn';
    await expect(Sandbox.connect(SANDBOX_ID)).rejects.toThrow('"not an arn"');
  } finally {
    process.env = saved;
  }
});

test('fails on a pool and region that cannot be', () => {
  expect(() => new SandboxClient({ pool: POOL, region: 'us-east-1' })).toThrow('region: us-east-1');
  expect(() => new SandboxClient({ pool: POOL, localEndpoint: 'http://10.0.0.1:80' })).toThrow('loopback');
});

test('fails with the request id if the allocator itself breaks', async () => {
  const lambda = { send: async () => ({ $metadata: { requestId: 'r-1' }, FunctionError: 'Unhandled', Payload: Buffer.from('{"trace":"x"}') as never }) };
  const error = await new SandboxClient({ pool: POOL, lambda }).create().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SandboxError);
  expect(error).toMatchObject({ code: 'internal', requestId: 'r-1', retryable: false });
});

import { refuse } from './fake-microvms';
import { poolOfEachTest } from './test-pool';
import type { Pool } from '../../lambda/pool/pool';

const test = poolOfEachTest({ maxSandboxes: 1000 });
const { dynamo } = test;
const create = (request?: object) => test.create(request);
const abandon = (request?: object) => test.abandon(request);

describe('the keeper', () => {
  it('leaves alone what has a right to run', async () => {
    await create();
    const paused = await create();
    await test.get({ operation: 'pause', sandboxId: paused });
    await abandon();
    test.clock.time += 90_000;
    expect(await test.keep()).toEqual({ seen: 3, outcomes: {}, finished: true });
    expect(test.microvms.running).toHaveLength(3);
  });

  it('ends sandboxes whose lease is over, paused ones too', async () => {
    const ids = [await create({ timeoutMs: 60_000 }), await create({ timeoutMs: 60_000 })];
    await test.get({ operation: 'pause', sandboxId: ids[1] });
    test.clock.time += 59_999;
    expect((await test.keep()).outcomes).toEqual({});
    test.clock.time += 1;
    expect((await test.keep()).outcomes).toEqual({ expired: 2 });
    expect(test.microvms.running).toEqual([]);
    expect(await test.record(ids[0])).toMatchObject({ state: 'terminated', reason: 'its lease ended' });
    expect(await dynamo.count()).toBe(0);
  });

  it('finds the microVM of a creation that was never completed by replaying it, and frees its keys', async () => {
    await abandon({ key: 'k', idempotencyKey: 'i' });
    test.configuration = { ...test.configuration, imageVersion: '9.0' };
    test.clock.time += 90_001;
    expect((await test.keep()).outcomes).toEqual({ abandoned: 1 });
    expect(test.microvms.launched.size).toBe(1);
    expect(test.microvms.running).toEqual([]);
    expect([...(await dynamo.items('key')), ...(await dynamo.items('idempotency'))]).toEqual([]);
    expect(await dynamo.count()).toBe(0);
  });

  it('never ends a sandbox that a late retry completes at the same moment', async () => {
    await abandon({ idempotencyKey: 'i' });
    test.clock.time += 90_001;
    const { pool } = test;
    const page = pool.table.page.bind(pool.table);
    pool.table.page = async (after, limit) => {
      const read = await page(after, limit);
      await test.get({ operation: 'create', idempotencyKey: 'i' });
      return read;
    };
    expect((await test.keep(pool)).outcomes).toEqual({ spared: 1 });
    expect(test.microvms.running).toEqual(['microvm-1']);
  });

  it('spares a sandbox whose lease was extended at the last moment', async () => {
    const sandboxId = await create({ timeoutMs: 60_000 });
    test.clock.time += 59_990;
    const { pool } = test;
    const page = pool.table.page.bind(pool.table);
    pool.table.page = async (after, limit) => {
      const read = await page(after, limit);
      await test.get({ operation: 'extend', sandboxId, timeoutMs: 120_000 });
      test.clock.time += 10;
      return read;
    };
    expect((await test.keep(pool)).outcomes).toEqual({ spared: 1 });
    expect(test.microvms.running).toEqual(['microvm-1']);
  });

  it('closes a record whose replay the service refuses for good, and says so', async () => {
    await abandon();
    test.clock.time += 90_001;
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse('refused', 'RunMicrovm', 'no such role') });
    expect((await test.keep()).outcomes).toEqual({ unknown: 1 });
    expect(await dynamo.count()).toBe(0);
    expect(test.logs).toContainEqual(expect.objectContaining({ outcome: 'unknown', error: 'RunMicrovm: no such role' }));
  });

  it.each(['quota', 'throttled', 'busy'] as const)('tries a replay again in the next pass when the service is %s', async (kind) => {
    await abandon();
    test.clock.time += 90_001;
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse(kind, 'RunMicrovm') });
    expect((await test.keep()).outcomes).toEqual({ postponed: 1 });
    expect(await dynamo.count()).toBe(1);
    expect((await test.keep()).outcomes).toEqual({ leftover: 1 });
    expect(test.microvms.running).toEqual([]);
  });

  it('gives a kill during a launch the time to be noticed, then replays it', async () => {
    await abandon();
    const [{ sandboxId }] = await dynamo.items('sandbox');
    await test.get({ operation: 'kill', sandboxId });
    expect((await test.keep()).outcomes).toEqual({});
    test.clock.time += 90_001;
    expect((await test.keep()).outcomes).toEqual({ leftover: 1 });
    expect(test.microvms.running).toEqual([]);
  });

  it('takes a microVM that is gone for ended', async () => {
    await create({ timeoutMs: 60_000 });
    test.microvms.microvms.clear();
    test.clock.time += 60_000;
    expect((await test.keep()).outcomes).toEqual({ expired: 1 });
  });

  it('goes on after a record that breaks it', async () => {
    const bad = await create({ timeoutMs: 60_000 });
    await create({ timeoutMs: 60_000 });
    test.clock.time += 60_000;
    const { pool } = test;
    const change = pool.table.change.bind(pool.table);
    pool.table.change = async (record, what) => {
      if (record.sandboxId === bad) throw new TypeError('broken');
      return change(record, what);
    };
    expect((await test.keep(pool)).outcomes).toEqual({ failed: 1, expired: 1 });
    expect((await test.keep()).outcomes).toEqual({ expired: 1 });
  });

  it('terminates fewer than ten a second, and stops in time for the next pass', async () => {
    for (let i = 0; i < 20; i++) await create({ timeoutMs: 60_000 });
    test.clock.time += 60_000;
    const start = test.clock.time;
    expect(await test.keep()).toEqual({ seen: 20, outcomes: { expired: 20 }, finished: true });
    expect(test.clock.time - start).toBe(19 * 125);

    for (let i = 0; i < 3; i++) await create({ timeoutMs: 60_000 });
    test.clock.time += 60_000;
    const slow: Pool = {
      ...test.pool,
      microvms: new Proxy(test.microvms, {
        get: (target, name) => (name !== 'terminate' ? Reflect.get(target, name) : async (id: string) => {
          test.clock.time += 30_000;
          return target.terminate(id);
        }),
      }),
    };
    expect(await test.keep(slow)).toMatchObject({ outcomes: { expired: 2 }, finished: false });
    expect((await test.keep()).outcomes).toEqual({ expired: 1 });
  });

  it('that dies between any two steps is followed by one that finishes', async () => {
    await test.diesAtEachStep(async (dying) => {
      await create({ timeoutMs: 60_000 });
      await abandon();
      test.clock.time += 91_000;
      await test.keep(dying).catch(() => undefined);
      await test.keep();
    });
  });

  it('logs a summary without secrets', async () => {
    const { connection } = await test.get({ operation: 'create', timeoutMs: 60_000, metadata: { note: 'private' } });
    await abandon();
    test.clock.time += 91_000;
    test.logs.length = 0;
    await test.keep();
    expect(test.logs).toHaveLength(1);
    expect(test.logs[0]).toMatchObject({
      operation: 'keep', outcome: 'ok', durationMs: 250, seen: 2, outcomes: { expired: 1, abandoned: 1 }, finished: true,
    });
    expect(JSON.stringify(test.logs)).not.toContain(connection.daemon.secret);
  });
});

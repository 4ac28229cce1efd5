import { refuse } from './fake-microvms';
import { TestClock } from './test-clock';
import { NOTHING, poolOfEachTest } from './test-pool';
import { answerEvent } from '../../lambda/keeper/answer-event';

const test = poolOfEachTest({ maxSandboxes: 1000 });
const { dynamo } = test;
const create = (request?: object) => test.create(request);
const abandon = (request?: object) => test.abandon(request);

const answer = (event: unknown) => answerEvent({ ...test.pool, log: (line) => test.logs.push(line) }, event);

describe('an event of the pool\'s resource', () => {
  it.each(['Create', 'Update'])('of type %s is answered without a call', async (RequestType) => {
    await create({ timeoutMs: 60_000 });
    test.clock.time += 60_000;
    const { calls } = test.microvms;
    const before = calls.length;
    expect(await answer({ RequestType })).toEqual({});
    expect(calls).toHaveLength(before);
  });

  it.each([{ source: 'aws.events' }, {}, null, undefined])('is not %j: that is a pass', async (event) => {
    expect(await answer(event)).toEqual({ seen: 0, outcomes: {}, finished: true });
  });
});

describe('deleting a pool', () => {
  it('ends what runs and what is paused at once, and frees what it held', async () => {
    const ids = [await create({ key: 'k' }), await create()];
    await test.get({ operation: 'pause', sandboxId: ids[1] });
    const start = test.clock.time;
    expect(await test.drain()).toEqual({});
    expect({ running: test.microvms.running, count: await dynamo.count(), ms: test.clock.time - start })
      .toEqual({ running: [], count: 0, ms: 125 });
    expect(await test.record(ids[0])).toMatchObject({ state: 'terminated', reason: 'its pool was deleted' });
  });

  it('of an empty one returns at once', async () => {
    const start = test.clock.time;
    await test.drain();
    expect(test.clock.time).toBe(start);
    expect(test.microvms.calls).toEqual([]);
  });

  it('waits until a launch that nobody wrote down is abandoned, and replays it to learn its microVM', async () => {
    await abandon();
    const start = test.clock.time;
    await test.drain();
    expect(test.microvms.launched.size).toBe(1);
    expect(test.microvms.running).toEqual([]);
    expect(test.clock.time - start).toBeGreaterThan(90_000);
    expect(test.clock.time - start).toBeLessThan(95_000);
  });

  it('gives a kill during a launch the same time', async () => {
    await abandon();
    const [{ sandboxId }] = await dynamo.items('sandbox');
    await test.get({ operation: 'kill', sandboxId });
    await test.drain();
    expect(await test.left()).toEqual(NOTHING);
  });

  it('lets an allocator that is still at work start nothing more, and says why', async () => {
    const { allocator } = test;
    await test.drain();
    const refused = await test.ask({ operation: 'create' }, allocator);
    expect(refused).toMatchObject({ ok: false, error: { code: 'pool_exhausted', retryable: false, message: expect.stringContaining('being deleted') } });
    expect(test.microvms.running).toEqual([]);
    expect(test.logs.at(-1)).toMatchObject({ SandboxCreateFailed: 1 });
    expect(test.logs.at(-1)).not.toHaveProperty('PoolExhausted');
  });

  it('ends the microVM of an allocator that was between its intent and its answer', async () => {
    test.microvms.afterRun = async () => {
      test.microvms.afterRun = undefined;
      await test.drain();
    };
    expect(await test.ask({ operation: 'create' })).toMatchObject({ ok: false, error: { code: 'sandbox_terminated' } });
    expect(await test.left()).toEqual(NOTHING);
  });

  it.each(['throttled', 'quota', 'busy'] as const)('tries again where the service is %s', async (kind) => {
    await create();
    test.microvms.faults.push({ operation: 'terminate', when: 'before', error: refuse(kind, 'TerminateMicrovm') });
    await test.drain();
    expect(test.microvms.running).toEqual([]);
  });

  it('terminates fewer than ten a second', async () => {
    for (let i = 0; i < 20; i++) await create();
    const start = test.clock.time;
    await test.drain();
    expect(test.clock.time - start).toBe(19 * 125);
  });

  it('fails before its time is over with how many are left, and goes on when it is deleted again', async () => {
    await create();
    const stuck = await create();
    const { terminate } = test.microvms;
    test.microvms.terminate = async (id) => {
      if (id === 'microvm-2') throw refuse('refused', 'TerminateMicrovm', 'not authorized');
      return terminate.call(test.microvms, id);
    };
    const start = test.clock.time;
    await expect(test.drain()).rejects.toThrow(/^1 sandboxes of the pool could not be ended in 13 minutes \(1 were\).*Delete again to go on\.$/);
    expect(test.clock.time - start).toBeLessThan(14 * 60_000);
    expect(test.logs).toContainEqual({
      level: 'warn', operation: 'reap', sandboxId: stuck, outcome: 'postponed', error: 'TerminateMicrovm: not authorized',
    });

    test.microvms.terminate = terminate;
    await test.drain();
    expect(await test.left()).toEqual(NOTHING);
  });

  describe('returns when the service has ended', () => {
    const drained = async () => {
      const [start, before] = [test.clock.time, test.microvms.calls.length];
      await test.drain();
      const looks = test.microvms.calls.slice(before).filter((name) => name === 'get');
      return { ms: test.clock.time - start, looks: looks.length };
    };

    it('what it ended: the microVMs are told as running for a moment, and end later', async () => {
      test.microvms.toldWhileEnding = ['RUNNING', 'TERMINATING', 'TERMINATING'];
      await create();
      await create();
      expect(await drained()).toEqual({ ms: 125 + 1500, looks: 8 });
    });

    it('what a caller had killed before', async () => {
      test.microvms.toldWhileEnding = ['TERMINATING'];
      await test.get({ operation: 'kill', sandboxId: await create() });
      expect(await drained()).toEqual({ ms: 500, looks: 2 });
    });

    it('the microVM of a launch that nobody wrote down', async () => {
      test.microvms.toldWhileEnding = ['TERMINATING'];
      await abandon();
      test.clock.time += 91_000;
      expect(await drained()).toMatchObject({ looks: 2 });
    });

    it('the microVM of a sandbox that was ended while it started', async () => {
      test.microvms.toldWhileEnding = ['TERMINATING'];
      test.microvms.afterRun = async () => {
        const [{ sandboxId }] = await dynamo.items('sandbox');
        await test.get({ operation: 'kill', sandboxId });
      };
      await test.ask({ operation: 'create' });
      expect(await drained()).toMatchObject({ looks: 2 });
    });

    it('a microVM that went by itself while it started', async () => {
      test.microvms.startsAs = 'TERMINATING';
      expect(await test.ask({ operation: 'create' })).toMatchObject({ ok: false, error: { code: 'sandbox_terminated' } });
      const end = async () => {
        for (const microvm of test.microvms.microvms.values()) microvm.state = 'TERMINATED';
      };
      test.clock.sleep = (ms) => TestClock.prototype.sleep.call(test.clock, ms).then(end);
      expect(await drained()).toEqual({ ms: 500, looks: 2 });
    });

    it('nothing else: who was ended two minutes ago is not asked for', async () => {
      await test.get({ operation: 'kill', sandboxId: await create() });
      test.clock.time += 120_000;
      expect(await drained()).toEqual({ ms: 0, looks: 0 });
    });

    it.each(['not_found', 'refused'] as const)('and asks once where it says %s', async (kind) => {
      test.microvms.toldWhileEnding = ['TERMINATING'];
      await create();
      test.microvms.faults.push({ operation: 'get', when: 'before', error: refuse(kind, 'GetMicrovm') });
      expect(await drained()).toEqual({ ms: 0, looks: 1 });
    });

    it.each(['throttled', 'busy', 'quota'] as const)('and asks again where it is %s', async (kind) => {
      await create();
      test.microvms.faults.push({ operation: 'get', when: 'before', error: refuse(kind, 'GetMicrovm') });
      expect(await drained()).toEqual({ ms: 500, looks: 2 });
    });

    it('or is out of time: nobody is asked for any more', async () => {
      test.microvms.toldWhileEnding = Array(1000).fill('TERMINATING');
      for (let i = 0; i < 3; i++) await create();
      const { get } = test.microvms;
      test.microvms.get = async (id) => {
        test.clock.time += 50_000;
        return get.call(test.microvms, id);
      };
      expect(await drained()).toMatchObject({ ms: 250 + 100_000, looks: 2 });
    });

    it('or has no time left of the thirteen minutes that a deletion has', async () => {
      test.microvms.toldWhileEnding = Array(1000).fill('TERMINATING');
      await create();
      const { terminate } = test.microvms;
      const busyUntil = test.clock.time + 12.5 * 60_000;
      test.microvms.terminate = async (id) => {
        if (test.clock.time < busyUntil) throw refuse('busy', 'TerminateMicrovm');
        return terminate.call(test.microvms, id);
      };
      expect(await drained()).toMatchObject({ ms: 13 * 60_000 });
    });

    it('or after a minute and a half, with a word: what was asked to end will', async () => {
      test.microvms.toldWhileEnding = Array(1000).fill('TERMINATING');
      await create();
      expect(await drained()).toEqual({ ms: 90_000, looks: 181 });
      expect(test.logs).toContainEqual({
        level: 'warn', operation: 'drain', message: '1 microVMs were asked to end, and have not yet: microvm-1',
      });
      expect(await test.left()).toEqual(NOTHING);
    });
  });

  it('that dies between any two steps is followed by one that finishes', async () => {
    await test.diesAtEachStep(async (dying) => {
      await create();
      await abandon();
      test.clock.time += 91_000;
      await test.drain(dying).catch(() => undefined);
      await test.drain();
    });
  }, 120_000);

  it('logs neither the event nor a secret', async () => {
    const { connection } = await test.get({ operation: 'create' });
    test.logs.length = 0;
    await test.drain();
    expect(test.logs).toEqual([{ operation: 'drain', outcome: 'ok', durationMs: 0, ended: 1 }]);
    expect(JSON.stringify(test.logs)).not.toContain(connection.daemon.secret);
  });
});

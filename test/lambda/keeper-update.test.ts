import { refuse } from './fake-microvms';
import { CONFIGURATION, NOTHING, poolOfEachTest } from './test-pool';
import { answerEvent } from '../../lambda/keeper/answer-event';
import type { PoolConfiguration } from '../../src/contract/pool';

const CONNECTOR = 'arn:aws:lambda:us-east-1:123456789012:network-connector:own';
const ROLE = 'arn:aws:iam::123456789012:role/theirs';
const FORMER = { ...CONFIGURATION, maxSandboxes: 1000 };
const OTHER_IMAGE = { ...FORMER, imageArn: `${FORMER.imageArn}-other` };
const OTHER_NETWORK = { ...FORMER, egressConnectorArns: [CONNECTOR] };
const WITH_ROLE = { ...FORMER, executionRoleArn: ROLE };

const test = poolOfEachTest(FORMER);
const { dynamo } = test;
const create = (request?: object) => test.create(request);
const abandon = () => test.abandon();

/** A kill that died before it reached the service. */
async function killHalf(sandboxId: string): Promise<void> {
  test.microvms.faults.push({ operation: 'terminate', when: 'before', error: refuse('busy', 'TerminateMicrovm') });
  await test.ask({ operation: 'kill', sandboxId });
}

/** As the construct renders them. */
const propertiesOf = (configuration: PoolConfiguration) => ({
  ServiceToken: 'arn:of:the:provider',
  ImageArn: configuration.imageArn,
  ConnectorArns: [...configuration.ingressConnectorArns, ...configuration.egressConnectorArns],
  ...(configuration.executionRoleArn !== null && { ExecutionRoleArn: configuration.executionRoleArn }),
});

/** What CloudFormation asks for after allocator and keeper have the new configuration. */
async function update(to: PoolConfiguration, from: PoolConfiguration = FORMER, pool = test.pool) {
  test.configuration = to;
  return answerEvent({ ...pool, configuration: to, log: (line) => test.logs.push(line) }, {
    RequestType: 'Update',
    ResponseURL: 'https://secret.example',
    ResourceProperties: propertiesOf(to),
    OldResourceProperties: propertiesOf(from),
  });
}

const left = () => test.left();

describe('a pool that is given another image', () => {
  it('ends sandboxes of the former in every state at once, and frees what they held', async () => {
    const ids = [await create({ key: 'k' }), await create(), await create()];
    await test.get({ operation: 'pause', sandboxId: ids[1] });
    await killHalf(ids[2]);
    const start = test.clock.time;
    expect(await update(OTHER_IMAGE)).toEqual({});
    expect({ ...await left(), ms: test.clock.time - start }).toEqual({ ...NOTHING, ms: 250 });
    expect(await test.record(ids[0])).toMatchObject({ state: 'terminated', reason: 'its pool was given another image' });
    expect(await test.record(ids[2])).toMatchObject({ state: 'terminated', reason: 'killed' });
    expect(await dynamo.items('key')).toEqual([]);
  });

  it('returns when the service has ended them: the image may be deleted next', async () => {
    test.microvms.toldWhileEnding = ['RUNNING', 'TERMINATING'];
    await create();
    const start = test.clock.time;
    await update(OTHER_IMAGE);
    expect(test.clock.time - start).toBe(1000);
  });

  it('waits until a launch that nobody wrote down is abandoned, and replays it to learn its microVM', async () => {
    await abandon();
    await abandon();
    const [{ sandboxId }] = await dynamo.items('sandbox');
    await test.get({ operation: 'kill', sandboxId });
    const start = test.clock.time;
    await update(OTHER_IMAGE);
    expect(await left()).toEqual(NOTHING);
    expect(test.microvms.launched.size).toBe(2);
    expect(test.clock.time - start).toBeGreaterThan(90_000);
    expect(test.clock.time - start).toBeLessThan(95_000);
  });

  it('ends the microVM of an allocator that was between its intent and its answer', async () => {
    test.microvms.afterRun = async () => {
      test.microvms.afterRun = undefined;
      await update(OTHER_IMAGE);
    };
    expect(await test.ask({ operation: 'create' })).toMatchObject({ ok: false, error: { code: 'sandbox_terminated' } });
    expect(await left()).toEqual(NOTHING);
  });

  it('keeps an allocator that still knows the former from starting it, for ten minutes', async () => {
    const { allocator } = test;
    await update(OTHER_IMAGE);
    expect(await test.ask({ operation: 'create' }, allocator)).toMatchObject({
      ok: false, error: { code: 'service_busy', retryable: true, message: expect.stringContaining('being updated') },
    });
    expect(await left()).toEqual(NOTHING);
    test.clock.time += 10 * 60_000;
    expect(await test.ask({ operation: 'create' }, allocator)).toMatchObject({ ok: true });
  });

  it('goes on to give out the new, and leaves it alone', async () => {
    const { allocator } = test;
    test.configuration = OTHER_IMAGE;
    await create();
    await update(OTHER_IMAGE);
    await create();
    expect(await left()).toEqual({ running: ['microvm-1', 'microvm-2'], count: 2 });
    expect(await test.ask({ operation: 'create' }, allocator)).toMatchObject({ error: { code: 'service_busy' } });
  });

  it('that is rolled back ends what it started, also before the keeper is rolled back', async () => {
    await update(OTHER_IMAGE);
    await create();
    const { allocator } = test;
    const { pool } = test;
    await answerEvent({ ...pool, log: () => undefined }, {
      RequestType: 'Update', ResourceProperties: propertiesOf(FORMER), OldResourceProperties: propertiesOf(OTHER_IMAGE),
    });
    expect(await left()).toEqual(NOTHING);
    expect(await test.ask({ operation: 'create' }, allocator)).toMatchObject({ error: { code: 'service_busy' } });
    test.configuration = FORMER;
    await create();
  });

  it('ends them also where the template before did not say what there was', async () => {
    await create();
    test.configuration = OTHER_IMAGE;
    await answerEvent({ ...test.pool, log: () => undefined }, {
      RequestType: 'Update', ResourceProperties: propertiesOf(OTHER_IMAGE), OldResourceProperties: { ServiceToken: 'arn:of:the:provider' },
    });
    expect(await left()).toEqual(NOTHING);
  });

  it.each(['throttled', 'quota', 'busy'] as const)('tries again where the service is %s', async (kind) => {
    await create();
    test.microvms.faults.push({ operation: 'terminate', when: 'before', error: refuse(kind, 'TerminateMicrovm') });
    await update(OTHER_IMAGE);
    expect(await left()).toEqual(NOTHING);
  });

  it('fails before its time is over with how many are left, and goes on when it is deployed again', async () => {
    await create();
    await create();
    const { terminate } = test.microvms;
    test.microvms.terminate = async (id) => {
      if (id === 'microvm-2') throw refuse('refused', 'TerminateMicrovm', 'not authorized');
      return terminate.call(test.microvms, id);
    };
    const start = test.clock.time;
    await expect(update(OTHER_IMAGE)).rejects
      .toThrow(/^1 sandboxes of the pool before this update could not be ended in 13 minutes \(1 were\).*Deploy again to go on\.$/);
    expect(test.clock.time - start).toBeLessThan(14 * 60_000);

    test.microvms.terminate = terminate;
    await update(OTHER_IMAGE);
    expect(await left()).toEqual(NOTHING);
  });

  it('whose keeper dies between any two steps is followed by one that finishes', async () => {
    await test.diesAtEachStep(async (dying) => {
      test.configuration = FORMER;
      await create();
      await abandon();
      test.clock.time += 91_000;
      await update(OTHER_IMAGE, FORMER, dying).catch(() => undefined);
      await update(OTHER_IMAGE);
    });
  }, 120_000);

  it('logs neither the event nor a secret', async () => {
    const { connection } = await test.get({ operation: 'create' });
    test.logs.length = 0;
    await update(OTHER_IMAGE);
    expect(test.logs).toEqual([{ operation: 'update', outcome: 'ok', durationMs: 0, ended: 1 }]);
    expect(JSON.stringify(test.logs)).not.toContain(connection.daemon.secret);
  });
});

describe('a pool that is given another role or network', () => {
  it.each([['network', FORMER, OTHER_NETWORK], ['role', WITH_ROLE, FORMER]])('keeps what runs and what is paused: %s', async (_, from, to) => {
    test.configuration = from;
    await create();
    await test.get({ operation: 'pause', sandboxId: await create() });
    await update(to, from);
    expect(await left()).toEqual({ running: ['microvm-1', 'microvm-2'], count: 2 });
  });

  it.each([['network', FORMER, OTHER_NETWORK], ['role', WITH_ROLE, FORMER]])('ends launches that were never completed: %s', async (_, from, to) => {
    test.configuration = from;
    await abandon();
    await update(to, from);
    expect(await left()).toEqual(NOTHING);
    expect((await dynamo.items('sandbox'))[0]).toMatchObject({ reason: 'its creation was never completed' });
  });

  it('leaves launches to the next passes that take no right of before', async () => {
    await abandon();
    await update(WITH_ROLE);
    expect(await left()).toEqual({ running: ['microvm-1'], count: 1 });
    test.clock.time += 90_001;
    expect((await test.keep()).outcomes).toEqual({ abandoned: 1 });
  });
});

it.each([
  ['a version of the same image', { ...FORMER, imageVersion: '4.0' }],
  ['other limits', { ...FORMER, maxSandboxes: 1, defaultLeaseMs: 60_000, idle: null }],
  ['nothing', FORMER],
])('a pool that is given %s keeps its sandboxes, without a call', async (_, to) => {
  await create();
  const before = test.microvms.calls.length;
  await update(to);
  expect(test.microvms.calls).toHaveLength(before);
  expect(await left()).toEqual({ running: ['microvm-1'], count: 1 });
  expect(test.logs.filter(({ operation }) => operation === 'update')).toEqual([]);
});

describe('a microVM that the keeper may not end any more', () => {
  async function passAt(ms: number) {
    test.microvms.faults.push({
      operation: 'terminate', when: 'before', error: refuse('refused', 'TerminateMicrovm', 'not authorized'),
    });
    test.clock.time += ms;
    return { ...(await test.keep()).outcomes, count: await dynamo.count() };
  }

  it('frees its place once the platform must have ended it, if it is of another image', async () => {
    await create({ timeoutMs: 60_000 });
    test.configuration = OTHER_IMAGE;
    expect(await passAt(16 * 3_600_000 - 1)).toEqual({ postponed: 1, count: 1 });
    expect(await passAt(1)).toEqual({ leftover: 1, count: 0 });
  });

  it('keeps its place while it is of the pool\'s own image, whose rights lack something', async () => {
    await create({ timeoutMs: 60_000 });
    expect(await passAt(16 * 3_600_000)).toEqual({ postponed: 1, count: 1 });
  });
});

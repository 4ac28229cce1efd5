import { refuse } from './fake-microvms';
import { CONFIGURATION, poolOfEachTest } from './test-pool';
import { METRIC_NAMESPACE } from '../../src/contract/metrics';
import { POOL_METRICS } from '../../src/contract/pool';

const test = poolOfEachTest();
const create = (request: object = {}) => test.ask({ operation: 'create', ...request });

/** What CloudWatch takes from a log line, by the rules of its embedded metric format; undefined if it takes nothing. */
function metricsIn(line: any): Record<string, { value: number; unit: string }> | undefined {
  if (line._aws === undefined) return undefined;
  const { Timestamp, CloudWatchMetrics, ...rest } = line._aws;
  expect(rest).toEqual({});
  expect(Timestamp).toBe(test.clock.time);
  expect(CloudWatchMetrics).toHaveLength(1);
  const [{ Namespace, Dimensions, Metrics }] = CloudWatchMetrics;
  expect({ Namespace, Dimensions }).toEqual({ Namespace: METRIC_NAMESPACE, Dimensions: [[POOL_METRICS.dimension]] });
  expect(line[POOL_METRICS.dimension]).toBe(CONFIGURATION.poolName);
  expect(Metrics.length).toBeGreaterThan(0);
  return Object.fromEntries(Metrics.map(({ Name, Unit }: any) => {
    expect(typeof line[Name]).toBe('number');
    return [Name, { value: line[Name], unit: Unit }];
  }));
}

const lastMetrics = () => metricsIn(JSON.parse(JSON.stringify(test.logs.at(-1))));

describe('the allocator reports', () => {
  it('a sandbox that was created, and how long it took', async () => {
    test.microvms.startsAs = 'PENDING';
    test.microvms.faults.push({ operation: 'createToken', when: 'before', error: refuse('refused', 'CreateMicrovmAuthToken') });
    await create();
    expect(lastMetrics()).toEqual({
      SandboxesCreated: { value: 1, unit: 'Count' }, SandboxCreateDuration: { value: 500, unit: 'Milliseconds' },
    });
  });

  it('nothing of a sandbox that was there', async () => {
    await create({ key: 'k' });
    await create({ key: 'k' });
    expect(lastMetrics()).toBeUndefined();
  });

  it('one creation where racing callers get one sandbox', async () => {
    test.microvms.afterRun = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    await Promise.all(Array.from({ length: 8 }, () => create({ key: 'k' })));
    expect(test.logs.filter((line) => line.SandboxesCreated === 1)).toHaveLength(1);
  });

  it('one creation where another call completes the same launch', async () => {
    test.microvms.afterRun = async () => {
      test.microvms.afterRun = undefined;
      test.clock.time += 3000;
      expect((await create({ key: 'k' })).result.launch.kind).toBe('cold');
    };
    expect((await create({ key: 'k' })).result.launch.kind).toBe('existing');
    expect(test.logs.filter((line) => line.SandboxesCreated === 1)).toHaveLength(1);
  });

  it.each([
    ['a limit of the account', { SandboxCreateFailed: 1, QuotaExceeded: 1 }, 'quota'],
    ['a fault', { SandboxCreateFailed: 1 }, 'busy'],
  ] as const)('a creation that failed at %s', async (_, expected, kind) => {
    test.microvms.faults.push({ operation: 'run', when: 'before', error: refuse(kind, 'RunMicrovm') });
    await create();
    const metrics = Object.entries(lastMetrics() ?? {}).map(([name, { value }]) => [name, value]);
    expect(Object.fromEntries(metrics)).toEqual(expected);
  });

  it('a creation that found the pool at its limit', async () => {
    test.configuration = { ...CONFIGURATION, maxSandboxes: 1 };
    await create();
    await create();
    expect(lastMetrics()).toEqual({ SandboxCreateFailed: { value: 1, unit: 'Count' }, PoolExhausted: { value: 1, unit: 'Count' } });
  });

  it('nothing of other operations, and of requests that it cannot read', async () => {
    await test.ask({ operation: 'list' });
    expect(lastMetrics()).toBeUndefined();
    await create({ timeoutMs: 1 });
    expect(lastMetrics()).toBeUndefined();
  });
});

describe('the keeper reports', () => {
  it('nothing of an idle pool', async () => {
    await test.keep();
    expect(lastMetrics()).toBeUndefined();
  });

  it('nothing of a pool whose sandboxes have all ended', async () => {
    const { sandbox } = (await create()).result;
    await test.get({ operation: 'kill', sandboxId: sandbox.sandboxId });
    await test.keep();
    expect(lastMetrics()).toBeUndefined();
  });

  it('sandboxes that live, paused ones too', async () => {
    await create();
    const { sandbox } = (await create()).result;
    await test.get({ operation: 'pause', sandboxId: sandbox.sandboxId });
    await test.keep();
    expect(lastMetrics()).toEqual({ SandboxesLive: { value: 2, unit: 'Count' } });
  });

  it('what it ended and what it could not end', async () => {
    for (let i = 0; i < 3; i++) await create({ timeoutMs: 60_000 });
    await test.abandon();
    test.clock.time += 91_000;
    // A named one: the table answers in no order, and the abandoned launch could be the first that is ended.
    const { terminate } = test.microvms;
    test.microvms.terminate = async (microvmId) => {
      if (microvmId === 'microvm-1') throw refuse('throttled', 'TerminateMicrovm');
      return terminate.call(test.microvms, microvmId);
    };
    await test.keep();
    expect(lastMetrics()).toEqual({
      SandboxesExpired: { value: 2, unit: 'Count' },
      LaunchesAbandoned: { value: 1, unit: 'Count' },
      ReapFailed: { value: 1, unit: 'Count' },
    });
  });
});

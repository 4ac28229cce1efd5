import { Dynamo } from './dynamo';
import { FakeMicrovms, refuse } from './fake-microvms';
import { TestClock } from './test-clock';
import { allocate } from '../../lambda/allocator/allocate';
import type { Allocator } from '../../lambda/allocator/allocate';
import { randomIds } from '../../lambda/allocator/random-ids';
import { answerEvent } from '../../lambda/keeper/answer-event';
import { keep } from '../../lambda/keeper/keep';
import { DynamoTable } from '../../lambda/pool/dynamo-table';
import { ImageVersions } from '../../lambda/pool/image-versions';
import type { Pool } from '../../lambda/pool/pool';
import type { PoolConfiguration } from '../../src/contract/pool';

export const CONFIGURATION: PoolConfiguration = {
  poolName: 'Agents',
  tableName: 'pool',
  imageArn: 'arn:aws:lambda:us-east-1:123456789012:microvm-image:agent',
  imageVersion: '3.0',
  daemonPort: 8080,
  hookPort: 9000,
  executionRoleArn: null,
  logGroupName: null,
  ingressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:HTTP_INGRESS'],
  egressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
  maxSandboxes: 5,
  defaultLeaseMs: 600_000,
  idle: { afterSeconds: 300, then: 'suspend' },
};

export const NOTHING = { running: [], count: 0 };

/** A pool on dynalite and a fake service. Each `with` is another process on the same two. */
export class TestPool {
  clock = new TestClock();
  microvms = new FakeMicrovms();
  logs: any[] = [];
  configuration: PoolConfiguration;

  constructor(readonly dynamo: Dynamo, private readonly settings: PoolConfiguration) {
    this.configuration = settings;
  }

  get pool(): Pool {
    return {
      configuration: this.configuration,
      table: new DynamoTable(this.dynamo, this.dynamo.tableName, this.clock),
      microvms: this.microvms,
      clock: this.clock,
    };
  }

  get allocator(): Allocator {
    const { pool } = this;
    return { ...pool, versions: new ImageVersions(pool), ids: randomIds, log: (line) => this.logs.push(line) };
  }

  /** The answer to a request of the current version. */
  async ask(request: Record<string, unknown>, allocator = this.allocator): Promise<any> {
    return allocate(allocator, { version: 1, ...request });
  }

  /** The result of a request that has to work. */
  async get(request: Record<string, unknown>): Promise<any> {
    const answer = await this.ask(request);
    if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
    return answer.result;
  }

  /** The id of a new sandbox. */
  async create(request: object = {}): Promise<string> {
    return (await this.get({ operation: 'create', ...request })).sandbox.sandboxId;
  }

  /** A create whose RunMicrovm worked without the answer arriving. */
  async abandon(request: object = {}): Promise<void> {
    this.microvms.faults.push({ operation: 'run', when: 'after', error: refuse('busy', 'RunMicrovm') });
    await this.ask({ operation: 'create', ...request });
  }

  async keep(pool = this.pool) {
    return keep({ ...pool, log: (line) => this.logs.push(line) });
  }

  /** What CloudFormation asks for when the pool leaves its stack. */
  async drain(pool = this.pool) {
    return answerEvent({ ...pool, log: (line) => this.logs.push(line) }, { RequestType: 'Delete', ResponseURL: 'https://secret.example' });
  }

  async record(sandboxId: string): Promise<any> {
    return (await this.dynamo.items('sandbox')).find(({ id }) => id === sandboxId);
  }

  /** What the service runs, and for how many sandboxes the pool keeps a place. */
  async left() {
    return { running: this.microvms.running, count: await this.dynamo.count() };
  }

  /**
   * The scenario with a process that dies at its first step, then at its second, and so on until one survives: nothing may be left
   * after any of them. Answers how many steps there are.
   */
  async diesAtEachStep(scenario: (dying: Pool) => Promise<unknown>): Promise<number> {
    for (let step = 1; ; step++) {
      const { pool, survived } = dyingAt(this.pool, step);
      await scenario(pool);
      expect({ step, ...await this.left() }).toEqual({ step, ...NOTHING });
      if (survived()) {
        // One that never took a step would show nothing.
        expect(step).toBeGreaterThan(1);
        return step;
      }
      await this.dynamo.clear();
    }
  }

  /** Nothing is left of what was. */
  async renew(): Promise<void> {
    await this.dynamo.clear();
    this.clock = new TestClock();
    this.microvms = new FakeMicrovms();
    this.logs = [];
    this.configuration = this.settings;
  }
}

/** A pool that is new in each test of the file that asks for it. */
export function poolOfEachTest(settings: Partial<PoolConfiguration> = {}): TestPool {
  const dynamo = new Dynamo();
  const test = new TestPool(dynamo, { ...CONFIGURATION, ...settings });
  beforeAll(() => dynamo.start());
  afterAll(() => dynamo.close());
  beforeEach(() => test.renew());
  return test;
}

class Crash extends Error {}

/**
 * The pool as a process sees it that dies at a step: each call to the table or the service has a step before and one after its effect.
 * Nothing works after death. `survived` tells whether the process came to its end first.
 */
export function dyingAt(pool: Pool, step: number): { pool: Pool; survived: () => boolean } {
  let steps = 0;
  const die = () => {
    if (++steps >= step) throw new Crash(`died at step ${step}`);
  };
  const mortal = <T extends object>(target: T): T => new Proxy(target, {
    get: (object, name) => {
      const method = Reflect.get(object, name) as unknown;
      if (typeof method !== 'function') return method;
      return async (...parameters: unknown[]) => {
        die();
        const result: unknown = await method.apply(object, parameters);
        die();
        return result;
      };
    },
  });
  return {
    pool: { ...pool, table: mortal(pool.table), microvms: mortal(pool.microvms) },
    survived: () => steps < step,
  };
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand, TerminateMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, COUNTER, guest, HOOKED } from './guests';
import { MicrovmCloud } from './microvm-cloud';

interface Call {
  readonly hook: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let cloud: MicrovmCloud;
beforeEach(async () => {
  cloud = await new MicrovmCloud('processes').open();
});
afterEach(() => cloud.close());

const hooked = (environmentVariables: Record<string, string> = {}) => (
  cloud.createImage('hooked', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { TRACE: '1', ...environmentVariables } })
);
const traces = (id: string) => cloud.logs.filter(({ stream }) => stream.includes(id)).map(({ message }) => message);
const role = { executionRoleArn: 'arn:aws:iam::000000000000:role/execution-of-tests' };
const idle = (more: object = {}) => (
  { idlePolicy: { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 1800, autoResumeEnabled: true, ...more } }
);

describe('runtime hooks', () => {
  test('come as the service sends them, each at its time', async () => {
    const imageArn = await hooked();
    const { id, endpoint } = await cloud.run(imageArn, { runHookPayload: '{"key":"value"}', ...role });
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'RUNNING');
    const calls = JSON.parse((await cloud.fetch(endpoint, '/', { token: await cloud.token(id) })).body) as Call[];
    expect(calls.map(({ hook }) => hook)).toEqual(['ready', 'run', 'suspend', 'resume']);
    const run = calls[1];
    expect(run).toMatchObject({ method: 'POST', url: '/aws/lambda-microvms/runtime/v1/run' });
    expect(JSON.parse(run.body)).toEqual({ microvmId: id, runHookPayload: '{"key":"value"}' });
    expect(run.headers).toMatchObject({ 'host': 'localhost:9000', 'content-type': 'application/json' });
    expect(run.headers['user-agent']).toBeUndefined();
    expect(calls[2].body).toBe('');
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    expect(traces(id).at(-1)).toBe('hook terminate');
  });

  test('/terminate is not called on a suspended microVM', async () => {
    const { id } = await cloud.run(await hooked(), role);
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    const before = Date.now();
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    // A call to the frozen guest would run into its timeout of 10 seconds.
    expect(Date.now() - before).toBeLessThan(5000);
    expect(traces(id).at(-1)).toBe('hook suspend');
  });

  test('a microVM whose /run fails is TERMINATED without having been RUNNING', async () => {
    const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: await hooked({ STATUS_run: '400' }) }));
    await cloud.untilState(microvmId, 'TERMINATED');
    expect((await cloud.microvm(microvmId)).stateReason)
      .toBe('Run lifecycle hook returned HTTP status 400. Please check your hook endpoint and application logs for more details.');
  });

  test('a microVM whose /run does not answer in time is TERMINATED', async () => {
    const imageIdentifier = await hooked({ STATUS_run: 'silent' });
    const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier, ...role }));
    await cloud.until('the hook', () => traces(microvmId).includes('hook run'));
    await cloud.clock.advance({ seconds: 10 });
    await cloud.untilState(microvmId, 'TERMINATED');
    expect((await cloud.microvm(microvmId)).stateReason).toContain('Run lifecycle hook invocation timed out after PT10S');
  });

  test.each(['suspend', 'resume'])('a microVM whose /%s fails is TERMINATED', async (hook) => {
    const { id } = await cloud.run(await hooked({ [`STATUS_${hook}`]: '500' }));
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    if (hook === 'resume') {
      await cloud.untilState(id, 'SUSPENDED');
      await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    }
    await cloud.untilState(id, 'TERMINATED');
    expect((await cloud.microvm(id)).stateReason?.toLowerCase()).toContain(`${hook} lifecycle hook returned http status 500`);
  });
});

describe('the limits of a microVM\'s life', () => {
  test('without traffic it is suspended, and the next request wakes it', async () => {
    const { id, endpoint } = await cloud.run(await cloud.createImage('idle', COUNTER), idle());
    const token = await cloud.token(id);
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    await cloud.clock.advance({ minutes: 9 });
    await cloud.fetch(endpoint, '/count', { token });
    await cloud.clock.advance({ minutes: 9 });
    await cloud.microvm(id);
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    await cloud.clock.advance({ minutes: 1, seconds: 1 });
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
    const answers = await Promise.all([1, 2, 3].map(() => cloud.fetch(endpoint, '/count', { token })));
    expect(answers.map(({ body }) => (JSON.parse(body) as { memory: number }).memory).sort()).toEqual([2, 3, 4]);
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
  });

  test('a refused request is no traffic', async () => {
    const { id, endpoint } = await cloud.run(await cloud.createImage('idle', COUNTER), idle());
    await cloud.clock.advance({ minutes: 9 });
    expect((await cloud.fetch(endpoint, '/')).status).toBe(403);
    await cloud.clock.advance({ minutes: 1, seconds: 1 });
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
  });

  test('a request under way without bytes is no traffic, and is cut by the suspend', async () => {
    const holder = guest(`
let held = 0;
listen(8080, (request, response) => {
  if (request.url !== '/held') return response.end(String(held));
  held += 1;
  response.write('x');
});
`);
    const { id, endpoint } = await cloud.run(await cloud.createImage('held', holder), idle());
    const token = await cloud.token(id);
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    const held = cloud.fetch(endpoint, '/held', { token }).then(() => 'answered', () => 'cut');
    await cloud.until('the request', async () => (await cloud.fetch(endpoint, '/', { token })).body === '1');
    await cloud.clock.advance({ minutes: 9, seconds: 50 });
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    await cloud.clock.advance({ seconds: 11 });
    expect(await held).toBe('cut');
    await cloud.untilState(id, 'SUSPENDED');
  });

  test('a microVM that is suspended for too long is TERMINATED', async () => {
    const { id } = await cloud.run(await cloud.createImage('idle', COUNTER), idle());
    await cloud.clock.advance({ minutes: 10, seconds: 1 });
    await cloud.clock.advance({ minutes: 29 });
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
    await cloud.clock.advance({ minutes: 2 });
    expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum suspended duration.' });
  });

  test('a suspendedDurationSeconds of 0 terminates instead of suspending', async () => {
    const { id } = await cloud.run(await cloud.createImage('idle', COUNTER), idle({ suspendedDurationSeconds: 0 }));
    await cloud.clock.advance({ minutes: 10, seconds: 1 });
    expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum idle duration.' });
  });

  test('after maximumDurationInSeconds it is TERMINATED, running or suspended', async () => {
    const imageArn = await hooked();
    const running = await cloud.run(imageArn, { maximumDurationInSeconds: 3600, ...role });
    const suspended = await cloud.run(imageArn, { maximumDurationInSeconds: 3600, ...role });
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: suspended.id }));
    await cloud.untilState(suspended.id, 'SUSPENDED');
    await cloud.clock.advance({ minutes: 59 });
    expect((await cloud.microvm(running.id)).state).toBe('RUNNING');
    await cloud.clock.advance({ minutes: 1 });
    for (const { id } of [running, suspended]) {
      expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum lifetime.' });
    }
    expect(traces(running.id)).toContain('hook terminate');
    expect(traces(suspended.id)).not.toContain('hook terminate');
  });

  test('one that cannot be started is TERMINATED, as a failure of the service', async () => {
    const imageIdentifier = await cloud.createImage('lost', COUNTER);
    await rm(join(cloud.folder, 'images'), { recursive: true });
    const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier }));
    await cloud.untilState(microvmId, 'TERMINATED');
    expect((await cloud.microvm(microvmId)).stateReason).toBe('Internal service error.');
    expect(cloud.warnings).toEqual([expect.stringContaining(microvmId)]);
  });

  test('without a policy and a duration it lives for eight hours, running or suspended', async () => {
    const imageArn = await cloud.createImage('eight', COUNTER);
    const running = await cloud.run(imageArn);
    const suspended = await cloud.run(imageArn);
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: suspended.id }));
    await cloud.untilState(suspended.id, 'SUSPENDED');
    await cloud.clock.advance({ hours: 7, minutes: 59 });
    expect((await cloud.microvm(running.id)).state).toBe('RUNNING');
    expect((await cloud.microvm(suspended.id)).state).toBe('SUSPENDED');
    await cloud.clock.advance({ minutes: 1 });
    for (const { id } of [running, suspended]) {
      expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum lifetime.' });
    }
  });
});

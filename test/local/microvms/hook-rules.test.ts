import {
  ListMicrovmImageBuildsCommand, ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand,
  TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, guest, HOOKED } from './guests';
import { MicrovmCloud, REGION } from './microvm-cloud';

/** Tells how each hook came, and ends with the one that the image's environment names, or does not answer it. */
const TELLER = guest(`
listen(9000, (request, response) => {
  const hook = request.url.split('/').pop();
  let body = '';
  request.on('data', (chunk) => { body += chunk; }).on('end', () => {
    const { method, url, httpVersion, headers } = request;
    console.log(JSON.stringify({ hook, method, url, httpVersion, headers, body }));
    if (process.env.EXIT === hook) process.exit(5);
    if (process.env.DROP === hook) return request.socket.destroy();
    response.writeHead(200).end();
  });
});
`);

interface Call {
  readonly hook: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const ADVICE = 'Please check your hook endpoint and application logs for more details.';
const role = { executionRoleArn: 'arn:aws:iam::000000000000:role/execution-of-tests' };

let cloud: MicrovmCloud;
let count = 0;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes').open();
});
afterAll(() => cloud.close());

/** An image that tells of its hooks, and answers them as `environment` says. */
const hooked = (environment: Record<string, string> = {}, hooks: object = ALL_HOOKS) => (
  cloud.createImage(`hooked-${++count}`, HOOKED, { hooks, environmentVariables: { TRACE: '1', ...environment } })
);
const traces = (id: string) => cloud.logs.filter(({ stream }) => stream.includes(id)).map(({ message }) => message);
const suspend = (microvmIdentifier: string) => cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier }));
const resume = (microvmIdentifier: string) => cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier }));
const reasonOf = async (id: string) => (await cloud.microvm(id)).stateReason;

async function start(imageIdentifier: string): Promise<string> {
  const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier, ...role }));
  return microvmId;
}

/** Brings a microVM to where the service calls this hook. */
async function reach(hook: string, image: string): Promise<string> {
  const id = await start(image);
  if (hook === 'run') return id;
  await cloud.untilState(id, 'RUNNING');
  await suspend(id);
  if (hook === 'suspend') return id;
  await cloud.untilState(id, 'SUSPENDED');
  await resume(id);
  return id;
}

async function buildReason(imageIdentifier: string): Promise<string | undefined> {
  const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0' }));
  return items[0].stateReason;
}

test('build hooks come from the service\'s own client, runtime hooks from loopback, and only /run has a body', async () => {
  const calls = (): Call[] => cloud.logs.filter(({ message }) => message.startsWith('{'))
    .map(({ message }) => JSON.parse(message) as Call);
  const image = await cloud.createImage('teller', TELLER, { hooks: ALL_HOOKS });
  const built = calls();
  expect(built.map(({ hook }) => hook)).toEqual(['ready', 'validate']);
  const { id } = await cloud.run(image, role);
  await suspend(id);
  await cloud.untilState(id, 'SUSPENDED');
  await resume(id);
  await cloud.untilState(id, 'RUNNING');
  await cloud.terminate(id);
  const runtime = calls().slice(built.length).filter(({ hook }) => hook !== 'ready');
  expect(runtime.map(({ hook }) => hook)).toEqual(['run', 'suspend', 'resume', 'terminate']);

  const common = (hook: string) => ({ method: 'POST', url: `/aws/lambda-microvms/runtime/v1/${hook}`, httpVersion: '1.1' });
  for (const call of built) {
    expect(call).toMatchObject({ ...common(call.hook), body: '' });
    expect(call.headers).toMatchObject({
      'host': expect.stringMatching(new RegExp(`^[0-9a-f-]{36}\\.lambda-microvm\\.${REGION}\\.on\\.aws$`)),
      'user-agent': 'smithy-java/1.6.0',
      'x-amzn-requestid': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  }
  for (const call of runtime) {
    expect(call).toMatchObject({ ...common(call.hook), headers: { host: 'localhost:9000' } });
    expect(call.headers).not.toHaveProperty('user-agent');
    expect(call.headers).not.toHaveProperty('x-amzn-requestid');
    if (call.hook !== 'run') expect(call.body).toBe('');
  }
  // What RunMicrovm was not given is not in there.
  expect(JSON.parse(runtime[0].body)).toEqual({ microvmId: id });
});

test('hooks that are DISABLED or left out are never called', async () => {
  const image = await hooked({}, {
    port: 9000, microvmImageHooks: { ready: 'ENABLED', validate: 'DISABLED' }, microvmHooks: { run: 'DISABLED', suspend: 'DISABLED' },
  });
  const built = cloud.logs.filter(({ group }) => group.endsWith(`/hooked-${count}`)).map(({ message }) => message);
  expect(built.filter((message) => message.startsWith('hook'))).toEqual(['hook ready']);
  const id = await reach('resume', image);
  await cloud.untilState(id, 'RUNNING');
  await cloud.terminate(id);
  expect(traces(id).filter((message) => message !== 'hook ready')).toEqual([]);
});

test.each(['run', 'suspend', 'resume'])('a /%s that answers 503 is not asked again, and ends the microVM', async (hook) => {
  const id = await reach(hook, await hooked({ [`STATUS_${hook}`]: '503,200' }));
  await cloud.untilState(id, 'TERMINATED');
  expect(await reasonOf(id)).toBe(`${hook[0].toUpperCase()}${hook.slice(1)} lifecycle hook returned HTTP status 503. ${ADVICE}`);
  expect(traces(id).filter((message) => message === `hook ${hook}`)).toHaveLength(1);
});

describe('a hook without a timeout', () => {
  /** All hooks, this one without its timeout. */
  const untimed = (hook: string): object => {
    const none = { [`${hook}TimeoutInSeconds`]: undefined };
    const { port, microvmHooks, microvmImageHooks } = ALL_HOOKS;
    return { port, microvmHooks: { ...microvmHooks, ...none }, microvmImageHooks: { ...microvmImageHooks, ...none } };
  };

  test.each(['run', 'suspend', 'resume'])('has a second if it is /%s', async (hook) => {
    const id = await reach(hook, await hooked({ [`STATUS_${hook}`]: 'silent' }, untimed(hook)));
    await cloud.until('the hook', () => traces(id).includes(`hook ${hook}`));
    await cloud.clock.advance({ seconds: 1 });
    await cloud.untilState(id, 'TERMINATED');
    expect(await reasonOf(id)).toBe(`${hook[0].toUpperCase()}${hook.slice(1)} lifecycle hook invocation timed out after PT1S. ${ADVICE}`);
  });

  test.each([['ready', 'Ready', 'PT1M', 60], ['validate', 'Validate', 'PT1S', 1]])('of a build has its own: /%s', async (
    hook, name, duration, seconds,
  ) => {
    const building = hooked({ [`STATUS_${hook}`]: 'silent' }, untimed(hook));
    const group = `/aws/lambda-microvms/hooked-${count}`;
    await cloud.until('the hook', () => cloud.logs.some((line) => line.group === group && line.message === `hook ${hook}`));
    await cloud.clock.advance({ seconds });
    expect(await buildReason(await building)).toBe(`${name} hook invocation timed out after ${duration}`);
  });
});

test('a microVM is told as SUSPENDED for as long as its /resume runs', async () => {
  const id = await reach('resume', await hooked({ STATUS_resume: 'silent' }));
  await cloud.until('the hook', () => traces(id).includes('hook resume'));
  expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
  await cloud.clock.advance({ seconds: 10 });
  await cloud.untilState(id, 'TERMINATED');
  expect(await reasonOf(id)).toBe(`Resume lifecycle hook invocation timed out after PT10S. ${ADVICE}`);
});

test.each(['run', 'suspend', 'resume'])('a main process that ends in its /%s is told by its exit code', async (hook) => {
  const image = await cloud.createImage(`ending-${hook}`, TELLER, { hooks: ALL_HOOKS, environmentVariables: { EXIT: hook } });
  const id = await reach(hook, image);
  await cloud.untilState(id, 'TERMINATED');
  expect(await reasonOf(id)).toBe('Container Stopped with Exit Code: 5');
});

test('a microVM that hangs up on its /run is TERMINATED', async () => {
  const id = await start(await cloud.createImage('dropping', TELLER, { hooks: ALL_HOOKS, environmentVariables: { DROP: 'run' } }));
  await cloud.untilState(id, 'TERMINATED');
  expect(await reasonOf(id)).toBe(`Run lifecycle hook could not be reached on port 9000. ${ADVICE}`);
});

describe('/terminate', () => {
  test('is not called on a PENDING microVM', async () => {
    const id = await start(await hooked({ STATUS_run: 'silent' }));
    await cloud.until('the hook', () => traces(id).includes('hook run'));
    await cloud.terminate(id);
    expect(await reasonOf(id)).toBe('Success.');
    expect(traces(id)).not.toContain('hook terminate');
  });

  test('ends the microVM whatever it answers', async () => {
    const { id } = await cloud.run(await hooked({ STATUS_terminate: '500' }), role);
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    expect(await reasonOf(id)).toBe('Success.');
    expect(traces(id)).toContain('hook terminate');
  });
});

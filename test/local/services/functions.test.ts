import { execFileSync } from 'node:child_process';
import type { InvokeCommandInput } from '@aws-sdk/client-lambda';
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { zipEntries } from '../../../local/src/deploy/zip';
import type { NewFunction } from '../../../local/src/services/lambda/lambda-service';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let lambda: LambdaClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  lambda = new LambdaClient(cloud.clientConfiguration);
});

afterAll(async () => {
  lambda.destroy();
  await cloud.stop();
});

async function create(name: string, files: string | Record<string, string>, options: Partial<NewFunction> = {}) {
  const contents = typeof files === 'string' ? { 'index.js': files } : files;
  const mode = 0o100644;
  const entries = Object.entries(contents).map(([path, text]) => ({ path, content: Buffer.from(text), mode }));
  await cloud.services.lambda.create({
    name,
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    roleArn: `arn:aws:iam::000000000000:role/${name}-role`,
    code: await zipEntries(entries),
    timeoutSeconds: 20,
    memoryMib: 256,
    environment: {},
    description: '',
    logGroup: `/aws/lambda/${name}`,
    logFormat: 'Text',
    logLevel: 'INFO',
    ...options,
  });
}

async function invoke(FunctionName: string, payload: unknown = {}, input: Partial<InvokeCommandInput> = {}) {
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload), ...input }));
  return { ...answer, payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString() || 'null') };
}

test('answers what an async handler returns, and gives it the event and a context', async () => {
  await create('async', 'exports.handler = async (event, context) => ({ event, ...context, left: context.getRemainingTimeInMillis() });');
  const { payload, StatusCode, FunctionError } = await invoke('async', { a: [1, 'ü'] });
  expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: undefined });
  expect(payload).toMatchObject({
    event: { a: [1, 'ü'] },
    functionName: 'async',
    memoryLimitInMB: '256',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:async',
    logGroupName: '/aws/lambda/async',
  });
  expect(payload.left).toBeGreaterThan(10_000);
  expect(payload.left).toBeLessThanOrEqual(20_000);
});

test('runs handlers with a callback, in ES modules, in folders and with dotted exports', async () => {
  await create('callback', 'exports.handler = (event, context, callback) => { setTimeout(() => callback(null, \'called\'), 1); };');
  await create('module', { 'index.mjs': 'import { sep } from \'node:path\'; export const handler = async () => \'module\' + sep;' });
  await create('typed', { 'package.json': '{"type":"module"}', 'index.js': 'export const handler = async () => \'typed\';' });
  await create('nested', { 'a/b.js': 'exports.c = { d: async () => \'nested\' };' }, { handler: 'a/b.c.d' });
  for (const [name, expected] of [['callback', 'called'], ['module', 'module/'], ['typed', 'typed'], ['nested', 'nested']]) {
    expect((await invoke(name)).payload).toBe(expected);
  }
});

test('hands over the template\'s variables, what Lambda sets, and nothing of this machine', async () => {
  process.env.SECRET_OF_THIS_MACHINE = 'leaked';
  await create('environment', 'exports.handler = async () => process.env;', { environment: { MINE: 'yes' } });
  const { payload } = await invoke('environment');
  delete process.env.SECRET_OF_THIS_MACHINE;
  expect(Object.keys(payload).sort()).toEqual([
    'AWS_ACCESS_KEY_ID', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_EXECUTION_ENV', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION', 'AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME', 'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'LAMBDA_TASK_ROOT', 'LANG', 'MICROVM_SANDBOX_LOCAL_ENDPOINT', 'MINE', 'NODE_CHANNEL_FD',
    'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_PATH', 'PATH', 'TZ', '_HANDLER',
  ].filter((name) => name in payload || !name.startsWith('NODE_CHANNEL')));
  expect(payload.MINE).toBe('yes');
  expect(cloud.services.iam.principal(payload.AWS_ACCESS_KEY_ID)?.roleArn).toBe('arn:aws:iam::000000000000:role/environment-role');
});

test('carries the SDK\'s clients of the runtime, which reach this cloud under the function\'s role', async () => {
  await create('caller', `
    const { Lambda } = require('@aws-sdk/client-lambda');
    exports.handler = async () => Buffer.from((await new Lambda({}).invoke({ FunctionName: 'callee' })).Payload).toString();`);
  await create('callee', 'exports.handler = async () => \'reached\';');
  expect((await invoke('caller')).payload).toBe('"reached"');
});

test('fails to load a package that neither the code nor the runtime carries', async () => {
  await create('unbundled', 'require(\'fast-xml-parser\'); exports.handler = async () => 1;');
  expect(await invoke('unbundled')).toMatchObject({
    FunctionError: 'Unhandled',
    payload: { errorType: 'Runtime.ImportModuleError', errorMessage: expect.stringContaining('fast-xml-parser') },
  });
});

test('fails with the error that a handler throws, in Lambda\'s form', async () => {
  await create('throws', 'class Odd extends Error { name = \'Odd\'; } exports.handler = async () => { throw new Odd(\'no luck\'); };');
  const { payload, FunctionError } = await invoke('throws');
  expect(FunctionError).toBe('Unhandled');
  expect(payload).toMatchObject({ errorType: 'Odd', errorMessage: 'no luck', trace: expect.arrayContaining([expect.stringContaining('index.js')]) });
});

test('fails for a handler that is not there, a process that exits, and a runtime that is not Node', async () => {
  await create('nohandler', 'exports.other = 1;');
  await create('exits', 'exports.handler = async () => process.exit(3);');
  await create('python', '', { runtime: 'python3.13' });
  expect((await invoke('nohandler')).payload).toMatchObject({ errorType: 'Runtime.HandlerNotFound', errorMessage: 'index.handler is undefined or not exported' });
  expect((await invoke('exits')).payload).toMatchObject({ errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 3') });
  expect((await invoke('exits')).payload).toMatchObject({ errorType: 'Runtime.ExitError' });
  await expect(invoke('python')).rejects.toMatchObject({ message: expect.stringContaining('python3.13') });
});

test('survives what a handler sends over the channel of its own process', async () => {
  await create('forger', `
    exports.handler = async () => {
      for (const message of [null, 1, 'ready', [], {}, { kind: 'log' }, { kind: 'log', text: 5 }, { kind: 'log', text: { a: 1 } }, { kind: '__proto__' }]) process.send(message);
      await new Promise((resolve) => process.send({}, resolve));
      return 'fine';
    };`);
  expect((await invoke('forger')).payload).toBe('fine');
  expect((await invoke('forger')).payload).toBe('fine');
});

test('hands on output without a newline in events of the size that CloudWatch takes, and keeps the newest lines of much', async () => {
  await create('endless', `
    exports.handler = async ({ lines }) => {
      process.stdout.write('x'.repeat(1000000));
      for (let line = 0; line < lines; line++) console.log('y'.repeat(1000));
      console.log('last');
    };`);
  await invoke('endless', { lines: 0 });
  const sizes = cloud.services.logs.messages('/aws/lambda/endless').map(({ length }) => length);
  expect(sizes).toEqual([262_118, 262_118, 262_118, 1_000_000 - 3 * 262_118 + 'last'.length]);
  const { logs } = await cloud.services.lambda.invoke('endless', '{"lines":10000}');
  expect(logs.at(-1)).toBe('last');
  expect(logs.join('').length).toBeLessThanOrEqual(4 * 1024 ** 2);
  expect(logs.length).toBeGreaterThan(1000);
});

test('fails with an answer that is larger than Lambda lets through', async () => {
  await create('large', 'exports.handler = async ({ size }) => \'x\'.repeat(size);');
  expect((await invoke('large', { size: 6_291_554 })).payload).toHaveLength(6_291_554);
  expect(await invoke('large', { size: 6_291_555 })).toMatchObject({
    FunctionError: 'Unhandled',
    payload: { errorType: 'Function.ResponseSizeTooLarge', errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).' },
  });
});

test('fails for a qualifier that is more than one', async () => {
  await create('qualified', 'exports.handler = async () => 1;');
  await expect(invoke('qualified', {}, { Qualifier: '$LATEST:other' })).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringContaining('qualifier') });
});

test('fails a call that nobody awaited, and goes on with a new process', async () => {
  await create('rejects', `exports.handler = async ({ bad }) => {
    if (!bad) return 'fine';
    Promise.reject(new Error('lost'));
    await new Promise((resolve) => setTimeout(resolve, 5000));
  };`);
  expect((await invoke('rejects', { bad: true })).payload).toMatchObject({ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' });
  expect((await invoke('rejects')).payload).toBe('fine');
});

test('ends a function at its timeout, and what it started', async () => {
  await create('slow', `
    const { spawn } = require('node:child_process');
    exports.handler = async () => { console.log('pid', spawn('sleep', ['300']).pid); await new Promise(() => setInterval(() => {}, 1000)); };`,
  { timeoutSeconds: 1 });
  const { payload, FunctionError } = await invoke('slow');
  expect(FunctionError).toBe('Unhandled');
  expect(payload).toMatchObject({ errorType: 'Sandbox.Timedout', errorMessage: expect.stringMatching(/Task timed out after 1\.00 seconds$/) });
  const [line] = cloud.services.logs.messages('/aws/lambda/slow');
  await until(() => !isRunning(Number(line.split(' ')[1])));
});

test('measures the timeout by the cloud\'s clock', async () => {
  await create('waits', 'exports.handler = async () => { console.log(\'in\'); await new Promise(() => setInterval(() => {}, 1000)); };', { timeoutSeconds: 900 });
  const answer = invoke('waits');
  await until(() => cloud.services.logs.messages('/aws/lambda/waits').includes('in'));
  await cloud.clock.advance({ minutes: 16 });
  expect((await answer).payload.errorMessage).toContain('900.00 seconds');
});

test('uses a warm process again, and more of them for calls at the same time', async () => {
  await create('counts', `
    let calls = 0;
    exports.handler = async ({ ms }) => { calls += 1; await new Promise((resolve) => setTimeout(resolve, ms)); return { calls, pid: process.pid }; };`);
  const first = await invoke('counts', { ms: 0 });
  const second = await invoke('counts', { ms: 0 });
  expect(second.payload).toEqual({ calls: 2, pid: first.payload.pid });
  const together = await Promise.all([1, 2, 3].map(() => invoke('counts', { ms: 300 })));
  expect(new Set(together.map(({ payload }) => payload.pid)).size).toBe(3);
});

test('fails a call above the reserved concurrency', async () => {
  await create('reserved', 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 300));', { reservedConcurrency: 1 });
  const answers = await Promise.allSettled([invoke('reserved'), invoke('reserved')]);
  expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { name: 'TooManyRequestsException' } });
});

test('writes output to the log group in order, before the answer, and to the tail of the answer', async () => {
  await create('logs', 'exports.handler = async () => { console.log(\'one\\ntwo\'); console.error(\'three\'); process.stdout.write(\'four\'); };');
  const { LogResult } = await invoke('logs', {}, { LogType: 'Tail' });
  expect(cloud.services.logs.messages('/aws/lambda/logs')).toEqual(['one', 'two', 'three', 'four']);
  expect(Buffer.from(LogResult ?? '', 'base64').toString()).toBe('one\ntwo\nthree\nfour');
});

test('leaves out what is below the log level, where the function logs JSON', async () => {
  await create('levels', 'exports.handler = async () => { console.log(\'secret\'); console.warn(\'shown %d\', 1); };', { logFormat: 'JSON', logLevel: 'WARN' });
  await invoke('levels');
  const lines = cloud.services.logs.messages('/aws/lambda/levels').map((line) => JSON.parse(line));
  expect(lines).toEqual([expect.objectContaining({ level: 'WARN', message: 'shown 1', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) })]);
});

test('shows the handler the cloud\'s time', async () => {
  await create('time', 'exports.handler = async () => ({ now: Date.now(), fresh: new Date().getTime(), fixed: new Date(5).getTime(), is: new Date() instanceof Date });');
  await invoke('time');
  await cloud.clock.advance({ hours: 8 });
  const { payload } = await invoke('time');
  expect(Math.abs(payload.now - cloud.clock.now())).toBeLessThan(5000);
  expect(Math.abs(payload.fresh - payload.now)).toBeLessThan(1000);
  expect(payload).toMatchObject({ fixed: 5, is: true });
});

test('tries a failed asynchronous call again after one minute and after two more', async () => {
  await create('events', 'exports.handler = async () => { console.log(\'try\'); throw new Error(\'again\'); };');
  expect(await invoke('events', {}, { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202, payload: null });
  const tries = () => cloud.services.logs.messages('/aws/lambda/events').filter((line) => line === 'try').length;
  await until(() => tries() === 1 && cloud.services.lambda.busy('events') === 0);
  await cloud.clock.advance({ seconds: 59 });
  expect(tries()).toBe(1);
  await cloud.clock.advance({ seconds: 2 });
  expect(tries()).toBe(2);
  await cloud.clock.advance({ minutes: 10 });
  expect(tries()).toBe(3);
});

test('runs nothing for a dry run, and refuses a payload that is not JSON', async () => {
  await create('dry', 'exports.handler = async () => { console.log(\'ran\'); };');
  expect((await invoke('dry', {}, { InvocationType: 'DryRun' })).StatusCode).toBe(204);
  expect(cloud.services.logs.messages('/aws/lambda/dry')).toEqual([]);
  await expect(invoke('dry', {}, { Payload: '{' })).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
});

test('describes a function', async () => {
  await create('described', '');
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: 'described' }));
  expect(Configuration).toMatchObject({ FunctionName: 'described', State: 'Active', Timeout: 20, Runtime: 'nodejs22.x' });
});

test('a process serves also after the clock was moved, and ends with its function', async () => {
  await create('warm', 'exports.handler = async () => process.pid;');
  const { payload: pid } = await invoke('warm');
  await cloud.clock.advance({ minutes: 6 });
  expect((await invoke('warm')).payload).toBe(pid);
  await cloud.services.lambda.delete('warm');
  expect(isRunning(pid)).toBe(false);
});

test('ends a function, and what it started, when the process of the local cloud dies', async () => {
  const script = `
    const { FunctionProcess } = require('./local/src/services/lambda/function-process.ts');
    const { bootstrapFile } = require('./local/src/services/lambda/bootstrap-file.ts');
    const { LocalClock } = require('./local/src/clock.ts');
    const { mkdtempSync, writeFileSync } = require('node:fs');
    const folder = mkdtempSync(require('node:os').tmpdir() + '/orphan-');
    writeFileSync(folder + '/index.js', "exports.handler = async () => [process.pid, require('node:child_process').spawn('sleep', ['300']).pid];");
    const child = new FunctionProcess({ clock: new LocalClock(), bootstrapFile: bootstrapFile(folder), bootstrapOptions: '{}', folder,
      environment: { _HANDLER: 'index.handler', LAMBDA_TASK_ROOT: folder, PATH: '/usr/bin:/bin' }, onLog: console.error });
    child.invoke({ requestId: '1', payload: '{}', clockOffsetMs: 0, functionArn: '' }, 20).then(({ result }) => {
      require('node:fs').rmSync(folder, { recursive: true });
      require('node:fs').writeSync(1, result);
      process.kill(process.pid, 'SIGKILL');
    });`;
  const output = run(['--require', 'tsx/cjs', '-e', script]);
  const pids = JSON.parse(output) as number[];
  expect(pids).toHaveLength(2);
  await until(() => !pids.some(isRunning));
});

function run(args: string[]): string {
  try {
    return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 25_000 });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

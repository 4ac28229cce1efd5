import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteMicrovmImageCommand, TerminateMicrovmCommand, UpdateMicrovmImageVersionCommand } from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, guest, HOOKED } from './guests';
import { describeEachIsolation } from './isolations';
import { eventually, pause, processesWith } from './machine-probe';
import { MicrovmCloud } from './microvm-cloud';

let cloud: MicrovmCloud;
afterEach(() => cloud.close());

const role = { executionRoleArn: 'arn:aws:iam::000000000000:role/execution-of-tests' };
const machines = (): string[] => (existsSync(join(cloud.folder, 'machines')) ? readdirSync(join(cloud.folder, 'machines')) : []);
const unique = () => `mark-${Math.floor(Math.random() * 1e9)}`;
const status = (pid: string) => readFileSync(`/proc/${pid}/status`, 'utf8');

/** A spare is past `/ready` and frozen. */
const spareIsReady = (mark: string) => eventually('the spare', () => {
  const found = processesWith(mark);
  return machines().length === 1 && found.length > 0 && found.every((pid) => /^State:\sT/m.test(status(pid)));
});

describeEachIsolation((isolation) => {
  const start = async (spares = 4) => {
    cloud = await new MicrovmCloud(isolation, undefined, { spares }).open();
    return cloud;
  };
  /** Its main process is found by its own words. */
  const image = (mark: string, files = HOOKED, more = {}) => cloud.createImage('spare', {
    ...files, Dockerfile: files.Dockerfile.replace('"/opt/guest.js"', `"/opt/guest.js", "${mark}"`),
  }, more);

  test('a microVM is one that was started ahead, and learns with /run who it is', async () => {
    await start();
    const mark = unique();
    const imageArn = await image(mark, HOOKED, { hooks: ALL_HOOKS, environmentVariables: { TRACE: '1' } });
    await spareIsReady(mark);
    const [spare] = processesWith(mark);
    const { id, endpoint } = await cloud.run(imageArn, { runHookPayload: 'hello', ...role });
    expect(processesWith(mark)).toContain(spare);
    const calls = JSON.parse((await cloud.fetch(endpoint, '/', { token: await cloud.token(id) })).body) as { hook: string; body: string }[];
    expect(calls.map(({ hook }) => hook)).toEqual(['ready', 'run']);
    expect(JSON.parse(calls[1].body)).toEqual({ microvmId: id, runHookPayload: 'hello' });
    // What it wrote while it belonged to nobody is in the log of its microVM.
    expect(cloud.logs.filter(({ stream }) => stream.includes(id)).map(({ message }) => message)).toEqual(['hook ready', 'hook run']);
  });

  test('a spare is given out once, and the next one takes its place', async () => {
    await start();
    const mark = unique();
    const imageArn = await image(mark, HOOKED, { hooks: ALL_HOOKS });
    await spareIsReady(mark);
    const [spare] = processesWith(mark);
    const ids = (await Promise.all([1, 2, 3].map(() => cloud.run(imageArn)))).map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    await cloud.until('a fourth machine', () => machines().length === 4);
    for (const microvmIdentifier of ids) await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier }));
    for (const id of ids) await cloud.untilState(id, 'TERMINATED');
    await spareIsReady(mark);
    expect(processesWith(mark)).not.toContain(spare);
  });

  test('a spare goes with its image', async () => {
    await start();
    const mark = unique();
    const imageIdentifier = await image(mark, HOOKED, { hooks: ALL_HOOKS });
    await spareIsReady(mark);
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }));
    await cloud.until('the deletion', () => cloud.service.list().images.length === 0);
    expect(machines()).toEqual([]);
    expect(processesWith(mark)).toEqual([]);
  });
});

describe('in processes', () => {
  beforeEach(async () => {
    cloud = await new MicrovmCloud('processes', undefined, { spares: 1 }).open();
  });

  const named = (name: string, mark: string) => cloud.createImage(name, {
    ...HOOKED, Dockerfile: HOOKED.Dockerfile.replace('"/opt/guest.js"', `"/opt/guest.js", "${mark}"`),
  }, { hooks: ALL_HOOKS });

  test('a spare that died is not given out', async () => {
    const mark = unique();
    const imageArn = await named('spare', mark);
    await spareIsReady(mark);
    for (const pid of processesWith(mark)) process.kill(Number(pid), 'SIGKILL');
    await cloud.until('its end', () => machines().length === 0);
    const { id, endpoint } = await cloud.run(imageArn);
    expect((await cloud.fetch(endpoint, '/', { token: await cloud.token(id) })).status).toBe(200);
  });

  test('the least recently used gives way', async () => {
    const [first, second] = [unique(), unique()];
    await named('first', first);
    await spareIsReady(first);
    await named('second', second);
    await spareIsReady(second);
    expect(processesWith(first)).toEqual([]);
  });

  test('an inactive version keeps no spare once another one is used', async () => {
    const [first, second] = [unique(), unique()];
    const imageIdentifier = await named('first', first);
    await spareIsReady(first);
    await cloud.client.send(new UpdateMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0', status: 'INACTIVE' }));
    await named('second', second);
    await spareIsReady(second);
    expect(processesWith(first)).toEqual([]);
  });

  test('an image without a ready hook is frozen once it had time to start', async () => {
    const mark = unique();
    const files = guest('listen(8080, (request, response) => response.end("up"));');
    const imageArn = await cloud.createImage('plain', {
      ...files, Dockerfile: files.Dockerfile.replace('"/opt/guest.js"', `"/opt/guest.js", "${mark}"`),
    });
    await spareIsReady(mark);
    const { id, endpoint } = await cloud.run(imageArn);
    expect((await cloud.fetch(endpoint, '/', { token: await cloud.token(id) })).body).toBe('up');
  });

  test('closing the service ends a spare on its way', async () => {
    const mark = unique();
    await named('spare', mark);
    await cloud.close();
    expect(processesWith(mark)).toEqual([]);
  });
});

test('without spares no machine is started ahead', async () => {
  cloud = await new MicrovmCloud('processes', undefined, { spares: 0 }).open();
  await cloud.createImage('none', HOOKED, { hooks: ALL_HOOKS });
  await pause(100);
  expect(machines()).toEqual([]);
});

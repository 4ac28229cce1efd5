import {
  GetMicrovmImageBuildCommand, LambdaMicrovmsClient, ListMicrovmImageBuildsCommand, ListMicrovmsCommand,
  ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand, TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, COUNTER, HOOKED } from './microvms/guests';
import { MicrovmCloud } from './microvms/microvm-cloud';
import { LocalClock } from '../../local/src/clock';
import { Faults } from '../../local/src/faults/faults';
import { startLocalCloud } from '../../local/src/start-local-cloud';

let clock: LocalClock;
let cloud: MicrovmCloud;
let faults: Faults;
beforeEach(async () => {
  clock = new LocalClock();
  faults = new Faults({
    clock,
    account: '000000000000',
    killMicrovm: (microvmId, exitCode) => cloud.service.kill(microvmId, exitCode),
    callDynamoDb: async () => ({}),
  });
  cloud = await new MicrovmCloud('processes', clock, { faults }).open();
});
afterEach(async () => {
  await cloud.close();
  clock.stop();
});

const ROLE = { executionRoleArn: 'arn:aws:iam::000000000000:role/execution-of-tests' };
const hooked = () => cloud.createImage('hooked', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { TRACE: '1' } });
const builds = async (imageIdentifier: string) => {
  const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0' }));
  return Promise.all(items.map(({ buildId }) => cloud.client.send(new GetMicrovmImageBuildCommand({ imageIdentifier, imageVersion: '1.0', buildId }))));
};

describe('killMicrovm', () => {
  test('a microVM dies at once: 502, and later TERMINATED with the exit code', async () => {
    const { id, endpoint } = await cloud.run(await cloud.createImage('counter', COUNTER));
    const token = await cloud.token(id);
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    await faults.killMicrovm({ microvmId: id, exitCode: 9 });
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject({ status: 502, body: '' });
    await cloud.untilState(id, 'TERMINATED');
    expect((await cloud.microvm(id)).stateReason).toBe('Container Stopped with Exit Code: 9');
  });

  test('the next ones that become RUNNING die, as many as it says', async () => {
    const image = await cloud.createImage('counter', COUNTER);
    await faults.killMicrovm();
    const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: image }));
    await cloud.untilState(microvmId, 'TERMINATED');
    expect((await cloud.microvm(microvmId)).stateReason).toBe('Container Stopped with Exit Code: 137');
    const alive = await cloud.run(image);
    await clock.advance({ minutes: 1 });
    expect((await cloud.microvm(alive.id)).state).toBe('RUNNING');
  });

  test('as many die as it says, or each one until it is cleared', async () => {
    const image = await cloud.createImage('counter', COUNTER);
    const end = async (): Promise<string | undefined> => {
      const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: image }));
      await cloud.untilState(microvmId, 'TERMINATED');
      return (await cloud.microvm(microvmId)).stateReason;
    };
    await faults.killMicrovm({ times: 2, exitCode: 1 });
    expect(await Promise.all([end(), end()])).toEqual(['Container Stopped with Exit Code: 1', 'Container Stopped with Exit Code: 1']);
    await faults.killMicrovm({ rate: 1, exitCode: 2 });
    expect(await Promise.all([end(), end()])).toEqual(['Container Stopped with Exit Code: 2', 'Container Stopped with Exit Code: 2']);
    faults.clear();
    await cloud.run(image);
  });

  test('fails for a microVM that does not exist', async () => {
    await expect(faults.killMicrovm({ microvmId: 'microvm-none' })).rejects.toThrow('MicroVM not found: microvm-none');
  });
});

describe('failBuild', () => {
  const logging = { cloudWatch: { logGroup: '/aws/lambda-microvms/failing' } };

  test('both builds fail with the reason, and the log has the lines', async () => {
    faults.failBuild({ image: 'failing', reason: 'The container image build failed.', log: ['Step 3/5', 'npm: not found'] });
    const other = await cloud.createImage('other', COUNTER);
    const image = await cloud.createImage('failing', COUNTER, { logging });
    expect(await cloud.imageState(other)).toBe('CREATED');
    expect(await cloud.imageState(image)).toBe('CREATE_FAILED');
    expect(await cloud.version(image)).toMatchObject({ state: 'FAILED', status: 'INACTIVE' });
    const failed = { buildState: 'FAILED', stateReason: 'The container image build failed.' };
    expect(await builds(image)).toMatchObject([failed, failed]);
    const lines = cloud.logs.filter(({ group }) => group === logging.cloudWatch.logGroup).map(({ message }) => message);
    expect(lines).toEqual(expect.arrayContaining(['Step 3/5', 'npm: not found']));
    expect(await cloud.imageState(await cloud.createImage('failing-no-more', COUNTER))).toBe('CREATED');
  });

  test('as many builds fail as it says, with an INACTIVE version each', async () => {
    faults.failBuild({ reason: 'CONTAINER_BUILD_FAILED', times: 2 });
    const states = [];
    for (const name of ['one', 'two', 'three']) states.push(await cloud.imageState(await cloud.createImage(name, COUNTER)));
    expect(states).toEqual(['CREATE_FAILED', 'CREATE_FAILED', 'CREATED']);
  });

  test('one chipset\'s build fails, which fails the version', async () => {
    faults.failBuild({ reason: 'INTERNAL_PLATFORM_ERROR', chipsetGeneration: '3' });
    const image = await cloud.createImage('half', COUNTER);
    expect(await cloud.imageState(image)).toBe('CREATE_FAILED');
    const found = await builds(image);
    expect(found.find(({ chipsetGeneration }) => chipsetGeneration === '4')?.stateReason).toBeUndefined();
    expect(found).toEqual(expect.arrayContaining([
      expect.objectContaining({ chipsetGeneration: '4', buildState: 'SUCCESSFUL' }),
      expect.objectContaining({ chipsetGeneration: '3', buildState: 'FAILED', stateReason: 'INTERNAL_PLATFORM_ERROR' }),
    ]));
  });
});

describe('hangHook', () => {
  test.each(['ready', 'validate'] as const)('/%s of a build runs into its timeout', async (hook) => {
    faults.hangHook({ hook, image: 'hooked' });
    let done = false;
    const created = hooked().then((image) => {
      done = true;
      return image;
    });
    const begun = (): boolean => hook === 'ready' || cloud.logs.some(({ message }) => message === 'hook ready');
    while (!done) {
      if (begun()) await clock.advance({ seconds: 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const image = await created;
    expect(await cloud.imageState(image)).toBe('CREATE_FAILED');
    const name = hook === 'ready' ? 'Ready' : 'Validate';
    expect((await builds(image)).map(({ stateReason }) => stateReason)).toEqual(Array(2).fill(`${name} hook invocation timed out after PT20S`));
    expect(cloud.logs.map(({ message }) => message)).not.toContain(`hook ${hook}`);
  });

  test('/run runs into its timeout, which ends a microVM that was never RUNNING; the next one runs', async () => {
    const image = await hooked();
    faults.hangHook({ hook: 'run' });
    const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: image, ...ROLE }));
    await cloud.until('the start', () => cloud.logs.some(({ stream, message }) => stream.includes(microvmId) && message === 'hook ready'));
    const states = new Set<string | undefined>();
    await cloud.until('the timeout', async () => {
      await clock.advance({ seconds: 1 });
      states.add((await cloud.microvm(microvmId)).state);
      return states.has('TERMINATED');
    });
    expect([...states]).not.toContain('RUNNING');
    expect((await cloud.microvm(microvmId)).stateReason).toContain('Run lifecycle hook invocation timed out after PT10S');
    expect(cloud.logs.map(({ message }) => message)).not.toContain('hook run');
    await cloud.run(image);
  });

  test.each(['suspend', 'resume'] as const)('/%s runs into its timeout, which ends the microVM; the next one does not', async (hook) => {
    const image = await hooked();
    faults.hangHook({ hook });
    const vms = [await cloud.run(image), await cloud.run(image)];
    for (const { id } of vms) {
      await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
      if (hook === 'resume') {
        await cloud.untilState(id, 'SUSPENDED');
        await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
      }
      if (id === vms[0].id) await clock.advance({ seconds: 11 });
    }
    await cloud.untilState(vms[0].id, 'TERMINATED');
    expect((await cloud.microvm(vms[0].id)).stateReason?.toLowerCase()).toContain(`${hook} lifecycle hook invocation timed out after pt10s`);
    await cloud.untilState(vms[1].id, hook === 'suspend' ? 'SUSPENDED' : 'RUNNING');
  });

  test('/terminate runs into its timeout, and the microVM ends all the same', async () => {
    const { id } = await cloud.run(await hooked(), ROLE);
    faults.hangHook({ hook: 'terminate' });
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await clock.advance({ seconds: 11 });
    await cloud.untilState(id, 'TERMINATED');
    expect(cloud.logs.map(({ message }) => message)).not.toContain('hook terminate');
  });

  test('a hook of another image is called', async () => {
    faults.hangHook({ hook: 'run', image: 'another' });
    await cloud.run(await hooked());
  });
});

describe('refuseEndpoint', () => {
  test('one microVM\'s endpoint answers 502 for a while, after the token was checked', async () => {
    const image = await cloud.createImage('counter', COUNTER);
    const vms = await Promise.all([1, 2].map(async () => {
      const { id, endpoint } = await cloud.run(image);
      const token = await cloud.token(id);
      await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
      return { id, endpoint, token };
    }));
    const statuses = () => Promise.all(vms.map(async ({ endpoint, token }) => (await cloud.fetch(endpoint, '/', { token })).status));
    faults.refuseEndpoint({ microvmId: vms[0].id, seconds: 30 });
    expect(await statuses()).toEqual([502, 200]);
    expect(await cloud.fetch(vms[0].endpoint, '/')).toMatchObject({ status: 403 });
    const { endpoint, token } = vms[0];
    const webSocket = {
      'connection': 'Upgrade', 'upgrade': 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    };
    expect(await cloud.fetch(endpoint, '/', { token, headers: webSocket })).toMatchObject({ status: 502, body: '' });
    await clock.advance({ seconds: 31 });
    expect(await statuses()).toEqual([200, 200]);
    faults.refuseEndpoint({ seconds: 30 });
    expect(await statuses()).toEqual([502, 502]);
    faults.clear();
    expect(await statuses()).toEqual([200, 200]);
  });
});

test('clear switches off what has not struck yet', async () => {
  faults.failBuild({ reason: 'x' });
  faults.hangHook({ hook: 'run' });
  await faults.killMicrovm();
  faults.clear();
  const { id } = await cloud.run(await hooked());
  expect((await cloud.microvm(id)).state).toBe('RUNNING');
});

test('the local cloud\'s faults reach its microVMs', async () => {
  await using local = await startLocalCloud({ isolation: 'processes' });
  expect(() => local.faults.killMicrovm({ exitCode: -1 })).toThrow('killMicrovm: exitCode must be a whole number from 0, got -1');
  await expect(local.faults.killMicrovm({ microvmId: 'microvm-none' })).rejects.toThrow('MicroVM not found: microvm-none');
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = local.environment;
  const client = new LambdaMicrovmsClient({ endpoint: local.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 2 });
  local.faults.throttle({ operation: 'ListMicrovms' });
  const { $metadata } = await client.send(new ListMicrovmsCommand({}));
  expect($metadata.attempts).toBe(2);
  client.destroy();
});

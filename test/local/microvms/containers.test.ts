import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateMicrovmImageCommand, type CreateMicrovmImageRequest, ListMicrovmImageBuildsCommand, ResumeMicrovmCommand,
  SuspendMicrovmCommand, TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ALL_HOOKS, COUNTER, guest, HOOKED } from './guests';
import { pause } from './machine-probe';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';
import { Podman } from './podman';
import { startLocalCloud } from '../../../local/src';
import { chooseEngine, ContainerEngine, NAME_PREFIX } from '../../../local/src/microvms/container/container-engine';
import { startContainerMachine } from '../../../local/src/microvms/container/container-machine';
import { removeLeftovers } from '../../../local/src/microvms/container/leftovers';
import { CloudUser } from '../cloud-user';

const podman = new Podman();
const problem = podman.start();
const fromBase = (files: Record<string, string>) => ({ ...files, Dockerfile: files.Dockerfile.replace('FROM scratch', 'FROM localhost/base') });

test('fails on an engine that is none, and on one that does not work here', async () => {
  await expect(chooseEngine('rkt' as 'podman')).rejects.toThrow('startLocalCloud: engine "rkt" is none of none, auto, docker, podman, finch, nerdctl');
  await expect(chooseEngine('finch')).rejects.toThrow('startLocalCloud: engine "finch" does not work on this machine');
  expect(await chooseEngine('none')).toBeUndefined();
});

(problem === undefined ? describe : describe.skip)(`with podman${problem === undefined ? '' : `: ${problem}`}`, () => {
  const engine = new ContainerEngine('podman', podman.environment);
  let cloud: MicrovmCloud;
  beforeAll(() => podman.makeBase());
  beforeEach(async () => {
    cloud = await new MicrovmCloud('processes', undefined, { engine }).open();
  });
  afterEach(async () => {
    await cloud.close();
    await removeLeftovers(engine);
    expect(podman.run('ps', '--all', '--quiet')).toBe('');
    expect(podman.run('images', '--quiet', '--filter', 'label=microvm-sandbox-local.folder')).toBe('');
  });

  /** An engine takes its time, so much that the usual limit would be too short. */
  async function build(
    name: string, files: Record<string, string>, more: Partial<CreateMicrovmImageRequest> = {},
  ): Promise<string> {
    const uri = await cloud.putArtifact(`${name}.zip`, files);
    const { imageArn = '' } = await cloud.client.send(new CreateMicrovmImageCommand({
      name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri }, ...more,
    }));
    while (await cloud.imageState(imageArn) === 'CREATING') await pause(50);
    return imageArn;
  }

  const messages = () => cloud.logs.map(({ message }) => message);

  async function reason(imageIdentifier: string): Promise<string | undefined> {
    const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier, imageVersion: '1.0' }));
    return items[0].stateReason;
  }

  test('an image is built, and a microVM of it runs, is reached, suspends, resumes and ends', async () => {
    const files = fromBase(COUNTER);
    const imageArn = await build('counter', { ...files, Dockerfile: files.Dockerfile.replace('CMD', 'RUN echo a step that ran\nCMD') }, {
      environmentVariables: { 'ODD-NAME': 'a b', 'LINES': 'one\ntwo' },
    });
    expect(await cloud.imageState(imageArn)).toBe('CREATED');
    expect(messages()).toContain('a step that ran');
    expect(cloud.warnings).toEqual([]);
    const { id, endpoint } = await cloud.run(imageArn);
    const token = await cloud.token(id);
    const count = async () => JSON.parse((await cloud.fetch(endpoint, '/count', { token })).body);
    await cloud.until('the guest', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    expect(await count()).toEqual({ memory: 1, file: 1, pid: 1 });
    const { env } = JSON.parse((await cloud.fetch(endpoint, '/', { token })).body);
    expect(env).toMatchObject({ 'ODD-NAME': 'a b', 'LINES': 'one\ntwo', 'AWS_LAMBDA_MICROVM_IMAGE_NAME': 'counter' });
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    expect(podman.run('ps', '--filter', 'status=paused', '--quiet')).not.toBe('');
    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'RUNNING');
    expect(await count()).toEqual({ memory: 2, file: 2, pid: 1 });
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    expect(podman.run('ps', '--all', '--quiet')).toBe('');
  }, 120_000);

  test('the local cloud builds and runs with the engine that it is asked for', async () => {
    const { CONTAINERS_CONF, CONTAINERS_STORAGE_CONF } = podman.environment;
    Object.assign(process.env, { CONTAINERS_CONF, CONTAINERS_STORAGE_CONF });
    try {
      await using local = await startLocalCloud({ engine: 'podman', timeScale: 0 });
      const user = new CloudUser(local.environment);
      const imageArn = await user.createImage('stepped', guest('setInterval(() => {}, 1000);', 'FROM localhost/base\nRUN echo a step that ran\nCOPY guest.js /\nCMD ["node", "/guest.js"]\n'));
      while (await user.imageState(imageArn) === 'CREATING') await pause(50);
      // Its main process ran until the build was over.
      expect(await user.imageState(imageArn)).toBe('CREATED');
      expect(local.logs('/aws/lambda-microvms/stepped')).toContain('a step that ran');
      user.close();
    } finally {
      delete process.env.CONTAINERS_CONF;
      delete process.env.CONTAINERS_STORAGE_CONF;
    }
  }, 120_000);

  test('hooks are called, and the exit of the main process is told with its code', async () => {
    const imageArn = await build('hooked', fromBase(HOOKED), { hooks: ALL_HOOKS, environmentVariables: { TRACE: '1', STATUS_ready: '503,200' } });
    expect(await cloud.imageState(imageArn)).toBe('CREATED');
    const hooks = () => messages().filter((message) => message.startsWith('hook'));
    await cloud.until('the log', () => hooks().length >= 3);
    expect(hooks()).toEqual(['hook ready', 'hook ready', 'hook validate']);
    const counter = await build('counter', fromBase(COUNTER));
    const { id, endpoint } = await cloud.run(counter);
    const token = await cloud.token(id);
    await cloud.until('the guest', async () => (await cloud.fetch(endpoint, '/count', { token })).status === 200);
    await cloud.fetch(endpoint, '/exit', { token });
    await cloud.untilState(id, 'TERMINATED');
    expect((await cloud.microvm(id)).stateReason).toBe('Container Stopped with Exit Code: 7');
  }, 120_000);

  test('fails as the service does when a step fails, and when the program is missing', async () => {
    const failing = await build('failing', guest('', 'FROM localhost/base\nRUN echo said before; exit 4\n'));
    expect(await reason(failing)).toBe('The container image build failed.');
    expect(messages()).toContain('said before');
    expect(messages().join('\n')).toContain('exit status 4');
    const missing = await build('missing', guest('', 'FROM localhost/base\nCMD ["/no/such/program"]\n'));
    expect(await reason(missing)).toMatch(/^Container Stopped with Exit Code: 127\. .*\/no\/such\/program/);
  }, 120_000);

  test('a guest finds the instance metadata service, and has no more rights than on the platform', async () => {
    const imageArn = await build('client', fromBase(guest(`
      const ask = () => fetch('http://169.254.169.254/latest').then((answer) => answer.text())
        .then((text) => console.log('metadata: ' + text), () => setTimeout(ask, 50));
      ask();
      console.log(fs.readFileSync('/proc/self/status', 'utf8').match(/CapBnd.*/)[0]);
      console.log(fs.readFileSync('/proc/self/limits', 'utf8').match(/Max open files +(.*)/)[1].trim());
      setInterval(() => {}, 1000);
    `)));
    const folder = mkdtempSync(join(tmpdir(), 'mv-c-'));
    expect((await cloud.version(imageArn)).state).toBe('SUCCESSFUL');
    // While it was built nobody served it, and the machine's own is not to be found there either.
    expect(messages().filter((message) => message.startsWith('metadata'))).toEqual([]);
    const lines: string[] = [];
    const image = podman.run('images', '--filter', 'label=microvm-sandbox-local.folder', '--format', '{{.Repository}}');
    const rootfs = join(podman.run('image', 'inspect', '--format', '{{index .Config.Labels "microvm-sandbox-local.folder"}}', image), 'rootfs');
    expect(readFileSync(join(rootfs, 'container-image'), 'utf8')).toBe(image.replace('localhost/', ''));
    const server = createServer((request, response) => response.end(`you asked for ${request.url}`));
    const machine = await startContainerMachine(engine, {
      folder: join(folder, 'm'), rootfs, command: [], workingDirectory: '/', environment: {}, ports: [], onOutput: (line) => void lines.push(line),
    });
    try {
      await machine.serveMetadata((connection) => server.emit('connection', connection));
      await cloud.until('the answer', () => lines.some((line) => line.startsWith('metadata')));
      expect(lines).toContain('metadata: you asked for /latest');
      expect(lines).toContain('CapBnd:\t00000000a80425fb');
      expect(lines).toContain('1024                 1024                 files');
      await expect(machine.dial(4321)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      await machine.stop();
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  test('what a killed local cloud left is removed at the next start, and nothing else', async () => {
    const run = (name: string, owner: string) => podman.run('run', '--detach', '--stop-timeout', '0', '--name', name, '--label',
      `microvm-sandbox-local.owner=${owner}`, 'localhost/base', 'sh', '-c', 'sleep 60');
    run(`${NAME_PREFIX}-dead`, '1@0');
    run('somebody-elses', '1@0');
    run('other', '');
    podman.run('tag', 'localhost/probe', `${NAME_PREFIX}/kept`);
    await removeLeftovers(engine);
    expect(podman.run('ps', '--format', '{{.Names}}').split('\n').sort()).toEqual(['other', 'somebody-elses']);
    expect(podman.run('images', '--format', '{{.Repository}}')).toContain(`${NAME_PREFIX}/kept`);
    podman.run('rm', '--force', 'other', 'somebody-elses');
  }, 120_000);
});

afterAll(() => podman.stop());

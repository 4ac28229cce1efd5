import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { HOOK_PREFIX, PAYLOAD, SECRET, send } from './daemon-fixture';
import { childrenOf, groupMembers } from './process-table';
import { DAEMON_FILE } from '../../src/contract/runtime';

const NAMESPACES = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
const SOURCE = resolve(__dirname, '../../runtime-image');

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-'));
  folder = join(root, 'opt/microvm-sandbox');
  await mkdir(folder, { recursive: true });
  await copyFile(join(SOURCE, 'init.sh'), join(folder, 'init.sh'));
  await build({
    entryPoints: [join(SOURCE, 'daemon/index.ts')], bundle: true, platform: 'node', target: 'node20', outfile: join(folder, DAEMON_FILE),
  });
});
afterAll(async () => rm(root, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  readonly hookPort: number;
  readonly apiPort: number;
  /** The exit code, or the signal. */
  readonly ended: Promise<number | string | null>;
}

async function startImage(environment: NodeJS.ProcessEnv = {}, wrapper: string[] = []): Promise<Running> {
  const [program, ...args] = [...wrapper, '/bin/bash', join(folder, 'init.sh')];
  const child = spawn(program, args, {
    cwd: '/',
    env: { PATH: process.env.PATH, MICROVM_LOCAL_PORT_8080: '0', MICROVM_LOCAL_PORT_9000: '0', MICROVM_LOCAL_ROOT: root, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | string | null>((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, hookPort, apiPort } = JSON.parse(line);
    if (event === 'start') return { child, hookPort, apiPort, ended };
  }
  throw new Error(`the image ended with ${await ended}`);
}

async function run({ hookPort }: Running): Promise<void> {
  await send(hookPort, 'POST', `${HOOK_PREFIX}run`, { body: JSON.stringify({ microvmId: 'm', runHookPayload: JSON.stringify(PAYLOAD) }) });
}

const headers = { 'authorization': `Bearer ${SECRET}`, 'x-sandbox-generation': '3' };

test('the bundle needs nothing but Node', async () => {
  const text = await readFile(join(folder, DAEMON_FILE), 'utf8');
  const required = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name.replace(/^node:/, ''));
  expect(required.filter((name) => !builtinModules.includes(name))).toEqual([]);
});

test('runs a command from the image\'s folder, and ends with all it started on SIGTERM', async () => {
  const image = await startImage();
  await run(image);
  const body = JSON.stringify({ commandId: 'c', command: 'sleep 1000 & echo started; wait' });
  const started = send(image.apiPort, 'POST', '/v1/commands', { headers, body });
  let commands: { pid: number }[] = [];
  while (commands.length === 0) ({ commands } = (await send(image.apiPort, 'GET', '/v1/commands', { headers })).json());
  image.child.kill('SIGTERM');
  expect(await image.ended).toBe(0);
  expect((await started.catch(() => undefined))?.status ?? 200).toBe(200);
  expect(groupMembers(commands[0].pid)).toEqual([]);
});

test('ends as the daemon ends', async () => {
  const image = await startImage();
  const [daemon] = childrenOf(image.child.pid ?? 0);
  process.kill(daemon.pid, 'SIGKILL');
  expect(await image.ended).toBe(137);
});

test('fails to start on a taken port, and says so', async () => {
  const image = await startImage();
  await expect(startImage({ MICROVM_LOCAL_PORT_8080: String(image.apiPort) })).rejects.toThrow('ended with 1');
  image.child.kill('SIGTERM');
  await image.ended;
});

const canIsolate = (() => {
  try {
    execFileSync('unshare', [...NAMESPACES, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

(canIsolate ? test : test.skip)('as PID 1 it reaps what commands leave behind', async () => {
  const image = await startImage({}, ['unshare', ...NAMESPACES]);
  await run(image);
  const [init] = childrenOf(image.child.pid ?? 0);
  const body = JSON.stringify({ commandId: 'o', command: 'for i in 1 2 3; do (sleep 0.3 >/dev/null 2>&1 &); done' });
  await send(image.apiPort, 'POST', '/v1/commands', { headers, body });
  const orphans = () => childrenOf(init.pid).filter(({ name }) => name === 'sleep').length;
  expect(orphans()).toBe(3);
  while (orphans() > 0) await new Promise(setImmediate);
  expect(childrenOf(init.pid).length).toBe(1);
  process.kill(init.pid, 'SIGKILL');
  await image.ended;
});

describe('the Dockerfile', () => {
  let lines: string[];
  beforeAll(async () => (lines = (await readFile(join(SOURCE, 'Dockerfile'), 'utf8')).split('\n')));

  test('has exactly one place for additions, before the daemon and after the user', () => {
    const places = lines.flatMap((line, index) => (line === '# additions' ? [index] : []));
    expect(places.length).toBe(1);
    expect(lines.findIndex((line) => line.startsWith('COPY daemon.js'))).toBeGreaterThan(places[0]);
    expect(lines.findIndex((line) => line.includes('useradd'))).toBeLessThan(places[0]);
  });

  test('starts init.sh beside the daemon', () => {
    expect(lines).toContain(`COPY ${DAEMON_FILE} init.sh /opt/microvm-sandbox/`);
    expect(lines).toContain('CMD ["/bin/bash", "/opt/microvm-sandbox/init.sh"]');
  });
});

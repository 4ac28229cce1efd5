import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arrived, SANDBOX_ID, SECRET, TestPool } from './test-pool';
import { CommandNotFoundError, FileExistsError, FileNotFoundError, PermissionDeniedError } from '../../client/src/errors';
import type { Sandbox } from '../../client/src/sandbox';
import { type Daemon, startDaemon } from '../../runtime-image/daemon/daemon';

let root: string;
let daemon: Daemon;
let pool: TestPool;
let sandbox: Sandbox;

/** Hands a request to the daemon, as the platform's proxy does. */
function forward(request: Arrived, response: http.ServerResponse): void {
  const { method, url, headers, body } = request;
  const outgoing = http.request({ port: daemon.apiPort, host: '127.0.0.1', method, path: url.pathname + url.search, headers, agent: false });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.pipe(response);
    response.on('close', () => answer.destroy());
  });
  outgoing.on('error', () => response.destroy());
  outgoing.end(body);
}

async function run(): Promise<void> {
  const payload = { sandboxId: SANDBOX_ID, generation: 1, secretSha256: createHash('sha256').update(SECRET).digest('hex') };
  const answer = await fetch(`http://127.0.0.1:${daemon.hookPort}/aws/lambda-microvms/runtime/v1/run`, {
    method: 'POST', body: JSON.stringify({ microvmId: 'm-1', runHookPayload: JSON.stringify(payload) }),
  });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'client-contract-'));
  const address = { host: '127.0.0.1', port: 0 };
  daemon = await startDaemon({ settings: { hooks: address, api: address, localRoot: root }, log: () => {} });
  pool = await TestPool.start((request, response) => forward(request, response));
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await daemon.close();
  await rm(root, { recursive: true });
});

test('create waits until the platform has told the daemon whom it serves', async () => {
  pool.guest = async (request, response) => {
    if (pool.requests('/v1/health').length === 3) await run();
    forward(request, response);
  };
  sandbox = await pool.client().create();
  expect(pool.requests('/v1/health')).toHaveLength(3);
  pool.guest = forward;
});

test('commands run with their output, exit code and input', async () => {
  const result = await sandbox.commands.run('echo out; echo "$A" >&2; cat; exit 3', { env: { A: 'err' }, stdin: 'in' });
  expect(result).toMatchObject({ exitCode: 3, stdout: 'out\nin', stderr: 'err\n', truncated: false, timedOut: false });
  expect(await sandbox.commands.run(['printf', '%s', '$A b'])).toMatchObject({ exitCode: 0, stdout: '$A b' });
  expect(await sandbox.commands.run(['no-such-program'])).toMatchObject({ exitCode: 127 });
});

test('a command that wants none of its input ends well', async () => {
  expect(await sandbox.commands.run('true', { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
});

test('a command is killed by its time limit, by a signal and by an abort', async () => {
  expect(await sandbox.commands.run('sleep 60', { timeoutMs: 100 })).toMatchObject({ timedOut: true });
  const command = await sandbox.commands.run('sleep 60', { background: true });
  expect(await command.kill('SIGTERM')).toBe(true);
  expect(await command.wait()).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
  expect(await command.kill()).toBe(false);
  const stop = new AbortController();
  const abort = () => stop.abort();
  const aborted = sandbox.commands.run('echo started; sleep 60', { signal: stop.signal, commandId: 'aborted', onStdout: abort });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  const ended = await (await sandbox.commands.connect('aborted')).wait();
  expect(ended).toMatchObject({ exitCode: 137, stdout: 'started\n' });
});

test('the same command id runs once, and its output is there again', async () => {
  const first = await sandbox.commands.run('date +%N', { commandId: 'once' });
  expect(await sandbox.commands.run('date +%N', { commandId: 'once' })).toEqual(first);
  expect((await sandbox.commands.list()).map(({ commandId }) => commandId)).toContain('once');
  await expect(sandbox.commands.connect('never')).rejects.toThrow(CommandNotFoundError);
});

test('output survives a connection that keeps breaking', async () => {
  pool.guest = (request, response) => {
    if (request.url.pathname.startsWith('/v1/commands')) setTimeout(() => response.destroy(), 30);
    forward(request, response);
  };
  const { stdout } = await sandbox.commands.run('for i in $(seq 40); do echo $i; sleep 0.01; done');
  pool.guest = forward;
  expect(stdout).toBe(Array.from({ length: 40 }, (_, index) => `${index + 1}\n`).join(''));
  expect(pool.arrived.filter(({ url }) => url.pathname.endsWith('/events')).length).toBeGreaterThan(3);
});

test('stdin stays open for what comes later', async () => {
  const command = await sandbox.commands.run('cat', { stdin: true, background: true });
  await command.sendStdin('one ');
  await command.sendStdin('two');
  await command.closeStdin();
  expect(await command.wait()).toMatchObject({ stdout: 'one two', exitCode: 0 });
});

test('files are written, read, listed, moved and removed', async () => {
  const { files } = sandbox;
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
  expect(await files.write('a/ü.bin', new Blob([bytes]), { mode: 0o600 })).toMatchObject({ type: 'file', size: 300_000, mode: 0o600 });
  expect(Buffer.compare(await files.read('a/ü.bin', { format: 'bytes' }), bytes)).toBe(0);
  expect(await files.write('a/t', 'héllo')).toMatchObject({ path: '/workspace/a/t', name: 't' });
  expect(await files.read('a/t', { offset: 3, length: 2 })).toBe('ll');
  expect((await files.list('a')).map(({ name }) => name).sort()).toEqual(['t', 'ü.bin']);
  await expect(files.rename('a/t', 'a/ü.bin')).rejects.toThrow(FileExistsError);
  expect(await files.rename('a/t', 'a/ü.bin', { overwrite: true })).toMatchObject({ size: 6 });
  expect([await files.makeDir('b/c'), await files.makeDir('b/c')]).toEqual([true, false]);
  await expect(files.remove('b')).rejects.toMatchObject({ code: 'directory_not_empty' });
  await files.remove('b', { recursive: true });
  expect(await files.exists('b')).toBe(false);
  await expect(files.read('b')).rejects.toThrow(FileNotFoundError);
  await expect(files.read('/etc/passwd')).rejects.toThrow(PermissionDeniedError);
});

test('a directory goes out as a tar and comes back', async () => {
  await sandbox.files.write('tree/x/y', 'deep');
  expect(await sandbox.files.writeArchive('copy', await sandbox.files.readArchive('tree'))).toBeGreaterThan(0);
  expect(await sandbox.files.read('copy/x/y')).toBe('deep');
});

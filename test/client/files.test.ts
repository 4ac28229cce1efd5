import { answer, type Arrived, routes, TestPool } from './test-pool';
import { FileExistsError, FileNotFoundError, InvalidArgumentError, SandboxError, TimeoutError } from '../../client/src/errors';
import type { Sandbox } from '../../client/src/sandbox';

const ENTRY = { name: 'a', path: '/workspace/a', type: 'file', size: 1, mode: 0o644, modifiedAt: 1_700_000_000_000 };

let pool: TestPool;
let sandbox: Sandbox;
beforeEach(async () => {
  pool = await TestPool.start();
  sandbox = await pool.client().create();
});
afterEach(async () => { await pool[Symbol.asyncDispose](); });

function last(): Arrived {
  return pool.arrived[pool.arrived.length - 1];
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
}

test.each([0, 1, 65_535, 65_536, 65_537, 5_000_000])('what is written is read again, byte for byte: %i bytes', async (size) => {
  let stored: Buffer = Buffer.alloc(0);
  pool.guest = routes({
    'PUT /v1/files': (request, response) => {
      stored = request.body;
      answer(response, { ...ENTRY, size: stored.length });
    },
    'GET /v1/files': (_, response) => void response.end(stored),
  });
  const bytes = new Uint8Array(size).map((_, index) => (index * 31) % 251);
  for (const data of [bytes, new Blob([bytes]), streamOf(bytes.subarray(0, size / 2), bytes.subarray(size / 2))]) {
    await sandbox.files.write('ünï cödé&?.bin', data, { mode: 0o755 });
    expect(Buffer.compare(stored, bytes)).toBe(0);
    expect(last().url.searchParams.get('path')).toBe('ünï cödé&?.bin');
    expect(last().url.searchParams.get('mode')).toBe('755');
    expect(Buffer.compare(await sandbox.files.read('a', { format: 'bytes' }), bytes)).toBe(0);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await sandbox.files.read('a', { format: 'stream' })) chunks.push(chunk);
    expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
  }
});

test('text is UTF-8, and a part can be read', async () => {
  pool.guest = routes({ 'GET /v1/files': (_, response) => void response.end('héllo') });
  expect(await sandbox.files.read('a', { offset: 2, length: 9 })).toBe('héllo');
  expect(last().url.search).toBe('?path=a&offset=2&length=9');
});

test('entries carry dates, and lists their depth', async () => {
  pool.guest = routes({
    'GET /v1/files/list': (_, response) => answer(response, { entries: [ENTRY, { ...ENTRY, type: 'symlink', symlinkTarget: 'b' }] }),
  });
  const [file, link] = await sandbox.files.list('src', { depth: 3 });
  expect(file).toEqual({ ...ENTRY, modifiedAt: new Date(ENTRY.modifiedAt) });
  expect(link.symlinkTarget).toBe('b');
  expect(last().url.search).toBe('?path=src&depth=3');
});

test('a file from before 1970 spoils no list', async () => {
  pool.guest = routes({ 'GET /v1/files/list': (_, response) => answer(response, { entries: [{ ...ENTRY, modifiedAt: -1000 }] }) });
  expect((await sandbox.files.list('.'))[0].modifiedAt).toEqual(new Date(-1000));
});

test('a missing file is an error to read and false to ask for', async () => {
  const missing = (_: Arrived, response: Parameters<typeof answer>[0]) => {
    answer(response, { error: { code: 'file_not_found', message: 'path: a does not exist', retryable: false } }, 404);
  };
  pool.guest = routes({ 'GET /v1/files': missing, 'GET /v1/files/stat': missing });
  await expect(sandbox.files.read('a')).rejects.toThrow(FileNotFoundError);
  await expect(sandbox.files.read('a', { format: 'stream' })).rejects.toThrow(FileNotFoundError);
  expect(await sandbox.files.exists('a')).toBe(false);
});

test('directories are made, moved and removed', async () => {
  pool.guest = routes({
    'POST /v1/files/directories': (_, response) => answer(response, { created: true }),
    'POST /v1/files/move': (_, response) => answer(response, { error: { code: 'file_exists', message: 'b is there', retryable: false } }, 409),
    'DELETE /v1/files': (_, response) => void response.writeHead(204).end(),
  });
  expect(await sandbox.files.makeDir('x/y')).toBe(true);
  expect(JSON.parse(last().body.toString())).toEqual({ path: 'x/y' });
  await expect(sandbox.files.rename('a', 'b')).rejects.toThrow(FileExistsError);
  await sandbox.files.remove('x', { recursive: true });
  expect(last().url.search).toBe('?path=x&recursive=true');
});

test('archives stream both ways', async () => {
  let stored: Buffer = Buffer.alloc(0);
  pool.guest = routes({
    'PUT /v1/archive': (request, response) => {
      stored = request.body;
      answer(response, { entries: 2 });
    },
    'GET /v1/archive': (_, response) => void response.end(stored),
  });
  expect(await sandbox.files.writeArchive('x', streamOf(Buffer.from('t'), Buffer.from('ar')))).toBe(2);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await sandbox.files.readArchive('x')) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('tar');
});

test('a stream is sent once, and only to a microVM that is awake', async () => {
  pool.guest = routes({ 'PUT /v1/files': (_, response) => answer(response, ENTRY) });
  pool.clock.advance(60_000);
  pool.asleepFor = 3;
  pool.tokens.clear();
  await sandbox.files.write('a', streamOf(Buffer.from('once')));
  expect(pool.requests('/v1/files').map(({ body }) => body.toString())).toEqual(['once']);
});

test('fails as lost if a stream breaks off, and sends bytes again', async () => {
  let broken = 0;
  pool.guest = routes({
    'PUT /v1/files': (_, response) => broken++ === 0 ? void response.destroy() : answer(response, ENTRY),
  });
  await expect(sandbox.files.write('a', streamOf(Buffer.from('x')))).rejects.toMatchObject({ name: 'ConnectionLostError' });
  broken = 0;
  expect((await sandbox.files.write('a', 'x')).name).toBe('a');
  expect(broken).toBe(2);
});

test('a read that breaks off is read again, whole', async () => {
  let broken = 0;
  pool.guest = routes({
    'GET /v1/files': (_, response) => {
      response.writeHead(200, { 'content-length': 6 });
      if (broken++ === 0) response.write('abc', () => response.destroy());
      else response.end('abcdef');
    },
  });
  expect(await sandbox.files.read('a')).toBe('abcdef');
});

test('fails with scope idle if a stream falls silent', async () => {
  pool.guest = routes({ 'GET /v1/files': (_, response) => void response.write('abc') });
  const reader = (await sandbox.files.read('a', { format: 'stream', requestTimeoutMs: 1000 })).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('abc');
  const next = reader.read();
  setTimeout(() => pool.clock.advance(1000), 5);
  const error = await next.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ scope: 'idle' });
});

test('fails as broken if a stream ends early', async () => {
  pool.guest = routes({
    'GET /v1/files': (_, response) => {
      response.writeHead(200, { 'content-length': 6 });
      response.write('abc', () => setTimeout(() => response.destroy(), 5));
    },
  });
  const reader = (await sandbox.files.read('a', { format: 'stream' })).getReader();
  await reader.read();
  await expect(reader.read()).rejects.toMatchObject({ name: 'ConnectionLostError' });
});

test('canceling a stream closes its connection', async () => {
  let closed = () => {};
  const gone = new Promise<void>((resolve) => { closed = resolve; });
  pool.guest = routes({
    'GET /v1/files': (_, response) => {
      response.on('close', closed).write('abc');
    },
  });
  await (await sandbox.files.read('a', { format: 'stream' })).cancel();
  await gone;
});

test.each(['', 'a\0b', 7 as unknown as string])('fails before anything is sent on the path %j', async (path) => {
  const before = pool.arrived.length;
  await expect(sandbox.files.read(path)).rejects.toThrow(InvalidArgumentError);
  await expect(sandbox.files.write(path, 'x')).rejects.toThrow(InvalidArgumentError);
  expect(pool.arrived).toHaveLength(before);
});

test.each<[string, unknown]>([
  ['a list that is none', { entries: 'x' }], ['an entry without a name', { entries: [{ ...ENTRY, name: undefined }] }],
  ['a size that is text', { entries: [{ ...ENTRY, size: '1' }] }], ['a type that is none', { entries: [{ ...ENTRY, type: 'socket' }] }],
  ['nothing', null],
])('fails on %s', async (_, value) => {
  pool.guest = routes({ 'GET /v1/files/list': (_request, response) => answer(response, value) });
  const error = await sandbox.files.list('.').catch((reason: unknown) => reason) as SandboxError;
  expect(error).toBeInstanceOf(SandboxError);
  expect(error.message).toMatch(/^malformed answer: answer/);
});

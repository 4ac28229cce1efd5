import { HOST, SECRET, TestPool } from './test-pool';
import { ConnectionLostError, InvalidArgumentError, TimeoutError } from '../../client/src/errors';
import type { Sandbox } from '../../client/src/sandbox';

let pool: TestPool;
let sandbox: Sandbox;
beforeEach(async () => {
  pool = await TestPool.start();
  sandbox = await pool.client().create();
  pool.guest = (request, response) => void response.end(`${request.method} ${request.url.pathname}${request.url.search} ${request.body}`);
});
afterEach(async () => { await pool[Symbol.asyncDispose](); });

test('a port of the user gets its own token and never the daemon\'s secret', async () => {
  const response = await sandbox.fetch(3000, '/a?b=c', { headers: { 'x-mine': '1', 'authorization': 'Basic mine' } });
  expect(await response.text()).toBe('GET /a?b=c ');
  expect(pool.events.at(-1)).toMatchObject({ operation: 'token', ports: [3000] });
  const { headers } = pool.arrived[pool.arrived.length - 1];
  expect(headers).toMatchObject({ 'x-mine': '1', 'authorization': 'Basic mine', 'x-aws-proxy-port': '3000', 'host': HOST });
  expect(headers['x-sandbox-generation']).toBeUndefined();
  expect(JSON.stringify(headers)).not.toContain(SECRET);
  await sandbox.fetch(3000);
  expect(pool.operations().filter((operation) => operation === 'token')).toHaveLength(1);
});

test.each<[string, BodyInit, string, RegExp]>([
  ['text', 'hi', 'hi', /^text\/plain/], ['a form', new URLSearchParams({ a: '1' }), 'a=1', /urlencoded/],
  ['bytes', new Uint8Array([104, 105]), 'hi', /^undefined$/], ['a blob', new Blob(['hi'], { type: 'image/x' }), 'hi', /^image\/x$/],
])('sends %s with its type', async (_, body, text, type) => {
  expect(await (await sandbox.fetch(3000, '/', { method: 'post', body })).text()).toBe(`POST / ${text}`);
  expect(String(pool.arrived.at(-1)?.headers['content-type'])).toMatch(type);
  expect(pool.arrived.at(-1)?.headers['content-length']).toBe(String(text.length));
});

test('a stream is sent as it comes', async () => {
  let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => { feed = controller; } });
  pool.guest = (request, response) => void response.end(request.body);
  const fetching = sandbox.fetch(3000, '/', { method: 'POST', body });
  feed?.enqueue(Buffer.from('one,'));
  feed?.enqueue(Buffer.from('two'));
  feed?.close();
  expect(await (await fetching).text()).toBe('one,two');
});

test('an answer streams as it comes', async () => {
  let next = () => {};
  pool.guest = (_, response) => {
    response.write('first');
    next = () => response.end('second');
  };
  const reader = ((await sandbox.fetch(3000)).body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first');
  next();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('second');
});

test('what the program answers is passed on, errors included', async () => {
  for (const [status, text] of [[403, 'Forbidden by me'], [502, 'my own upstream'], [404, ''], [500, '{}'], [429, 'slow down']] as const) {
    pool.guest = (_, response) => void response.writeHead(status, { 'set-cookie': ['a=1', 'b=2'] }).end(text);
    const response = await sandbox.fetch(3000);
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([status, text, ['a=1', 'b=2']]);
  }
  pool.guest = (_, response) => void response.writeHead(204).end();
  expect((await sandbox.fetch(3000)).body).toBeNull();
});

test('fails at once on an answer that the standard has no response for', async () => {
  pool.guest = (_, response) => void response.writeHead(700).end();
  await expect(sandbox.fetch(3000)).rejects.toMatchObject({ name: 'SandboxError', message: expect.stringContaining('700') });
});

test.each(['GE T', 'CONNECT', 'TRACE', ''])('fails at once on the method %j', async (method) => {
  await expect(sandbox.fetch(3000, '/', { method })).rejects.toThrow(InvalidArgumentError);
  expect(pool.arrived.filter(({ headers }) => headers['x-aws-proxy-port'] === '3000')).toEqual([]);
});

test('fails at once on a header that cannot be sent', async () => {
  await expect(sandbox.fetch(3000, '/', { headers: { 'x-mine': 'a\u0001b' } })).rejects.toThrow(InvalidArgumentError);
});

test('waits while nothing answers, for methods that may be repeated', async () => {
  pool.asleepFor = 4;
  expect(await (await sandbox.fetch(3000, '/', { method: 'PUT', body: 'x' })).text()).toBe('PUT / x');
});

test('fails, and does not repeat, a POST that nothing answered', async () => {
  await sandbox.fetch(3000);
  pool.asleepFor = Infinity;
  const before = pool.arrived.length;
  const error = await sandbox.fetch(3000, '/pay?card=1234', { method: 'POST', body: 'x' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect(String(error)).not.toContain('1234');
  expect(pool.arrived).toHaveLength(before + 1);
});

test('waits for a port, whatever it answers, and fails with the port\'s number', async () => {
  pool.asleepFor = 5;
  pool.guest = (_, response) => void response.writeHead(500).end('starting');
  await sandbox.waitForPort(3000, { timeoutMs: 30_000 });
  pool.asleepFor = Infinity;
  const error = await sandbox.waitForPort(3001, { timeoutMs: 30_000 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(String(error)).toContain('port 3001');
});

test('an address with headers serves another HTTP client', async () => {
  const { url, headers, expiresAt } = await sandbox.getPortEndpoint(3000);
  expect(url).toBe(pool.url);
  expect(headers).toEqual({ 'host': HOST, 'x-aws-proxy-auth': 'platform-token-2', 'x-aws-proxy-port': '3000' });
  expect(expiresAt.getTime()).toBe(pool.clock.now() + 3_600_000);
});

test('the signal ends a body under way', async () => {
  pool.guest = (_, response) => void response.write('first');
  const stop = new AbortController();
  const reader = ((await sandbox.fetch(3000, '/', { signal: stop.signal })).body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  const next = reader.read();
  stop.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
});

test.each<[string, () => Promise<unknown>]>([
  ['port: 0', async () => sandbox.fetch(0)], ['port: 65536', async () => sandbox.fetch(65_536)], ['port: NaN', async () => sandbox.getPortEndpoint(NaN)],
  ['path: "http://evil.example.com/"', async () => sandbox.fetch(3000, 'http://evil.example.com/')],
  ['path: "//evil.example.com"', async () => sandbox.fetch(3000, '//evil.example.com')],
  ['headers: x-aws-proxy-port', async () => sandbox.fetch(3000, '/', { headers: { 'X-Aws-Proxy-Port': '8080' } })],
  ['body: a GET request', async () => sandbox.fetch(3000, '/', { body: 'x' })],
])('fails before anything is sent on %s', async (message, call) => {
  const before = pool.arrived.length;
  const error = await call().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(String(error)).toContain(message);
  expect(pool.arrived).toHaveLength(before);
});

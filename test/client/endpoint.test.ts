import { answer, HOST, POOL, refusal, REGION, routes, SANDBOX_ID, SECRET, TestPool } from './test-pool';
import { SandboxClient } from '../../client/src/client';
import { endpointAddress, parseLocalEndpoint } from '../../client/src/endpoint-address';
import { AuthenticationError, PermissionDeniedError, SandboxTerminatedError, TimeoutError } from '../../client/src/errors';

const ENTRY = { name: 'a', path: '/workspace/a', type: 'file', size: 1, mode: 0o644, modifiedAt: 1 };
const daemon = routes({
  'GET /v1/files/stat': (_, response) => answer(response, ENTRY),
  'POST /v1/files/move': (_, response) => answer(response, ENTRY),
});

let pool: TestPool;
beforeEach(async () => { pool = await TestPool.start(daemon); });
afterEach(async () => { await pool[Symbol.asyncDispose](); });

describe('tokens', () => {
  test('are refreshed at 80 % of their life, once for parallel requests', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(0.79 * 3_600_000);
    await sandbox.files.getInfo('a');
    expect(pool.operations()).toEqual(['create']);
    pool.clock.advance(0.02 * 3_600_000);
    await Promise.all([sandbox.files.getInfo('a'), sandbox.files.getInfo('a'), sandbox.files.getInfo('a')]);
    expect(pool.operations()).toEqual(['create', 'token']);
    expect(pool.events.at(-1)).toMatchObject({ ports: [8080] });
    expect(pool.arrived.at(-1)?.headers['x-aws-proxy-auth']).toBe('platform-token-2');
  });

  test('that the proxy refuses are refreshed once, also under a request that must not be repeated', async () => {
    const sandbox = await pool.client().create();
    pool.tokens.clear();
    await sandbox.files.rename('a', 'b');
    expect(pool.operations()).toEqual(['create', 'token']);
    expect(pool.requests('/v1/files/move')).toHaveLength(2);
  });

  test('fails if the proxy refuses the fresh token too', async () => {
    const sandbox = await pool.client().create();
    pool.onOperation = () => setImmediate(() => pool.tokens.clear()) && undefined;
    pool.tokens.clear();
    Object.defineProperty(pool.tokens, 'set', { value: () => pool.tokens });
    const error = await sandbox.files.getInfo('a').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(pool.operations()).toEqual(['create', 'token']);
  });

  test('fails with permission denied on a port that no token opens', async () => {
    const sandbox = await pool.client().create();
    Object.defineProperty(pool.tokens, 'get', { value: () => [1] });
    await expect(sandbox.fetch(3000)).rejects.toThrow(PermissionDeniedError);
  });

  test('an old token serves while the allocator is busy', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(0.9 * 3_600_000);
    pool.onOperation = () => { throw refusal('rate_limited', true, 120_000); };
    await sandbox.files.getInfo('a');
    expect(pool.arrived.at(-1)?.headers['x-aws-proxy-auth']).toBe('platform-token-1');
  });

  test('a clock that runs ahead does not refresh before every request', async () => {
    pool.tokenLifeMs = -1000;
    const sandbox = await pool.client().create();
    await sandbox.files.getInfo('a');
    expect(pool.operations()).toEqual(['create']);
  });

  test('a 403 of the guest is no reason for a new token', async () => {
    const sandbox = await pool.client().create();
    pool.guest = (_, response) => answer(response, { error: { code: 'permission_denied', message: 'not yours', retryable: false } }, 403);
    await expect(sandbox.files.getInfo('a')).rejects.toThrow(PermissionDeniedError);
    expect(pool.operations()).toEqual(['create']);
  });
});

describe('a microVM that does not answer', () => {
  test('is waited for, and after the second 502 the allocator is asked, which resumes it', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = Infinity;
    pool.onOperation = ({ operation }) => { if (operation === 'connect') pool.asleepFor = 0; };
    expect((await sandbox.files.getInfo('a')).name).toBe('a');
    expect(pool.operations()).toEqual(['create', 'connect']);
    expect(pool.requests('/v1/files/stat')).toHaveLength(3);
  });

  test('one 502 asks nobody', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = 1;
    await sandbox.files.getInfo('a');
    expect(pool.operations()).toEqual(['create']);
  });

  test('is woken before a request that must not be repeated', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = 2;
    await sandbox.files.rename('a', 'b');
    expect(pool.requests('/v1/files/move')).toHaveLength(1);
  });

  test('the allocator is asked at a growing pace, once for parallel requests', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = Infinity;
    const reads = [sandbox.files.getInfo('a'), sandbox.files.getInfo('a')].map((read) => read.catch((error: unknown) => error));
    const [error] = await Promise.all(reads);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ scope: 'request', sandboxId: SANDBOX_ID });
    expect(String(error)).not.toContain('502');
    const asked = pool.operations().filter((operation) => operation === 'connect').length;
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(asked).toBeLessThanOrEqual(8);
  });

  test('fails as terminated if the allocator says so, and stays so', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = Infinity;
    pool.onOperation = () => { throw refusal('sandbox_terminated'); };
    await expect(sandbox.files.getInfo('a')).rejects.toThrow(SandboxTerminatedError);
    const requests = pool.arrived.length;
    await expect(sandbox.files.getInfo('a')).rejects.toThrow(SandboxTerminatedError);
    expect(pool.arrived).toHaveLength(requests);
  });

  test('a busy allocator is no proof of death', async () => {
    const sandbox = await pool.client().create();
    pool.clock.advance(60_000);
    pool.asleepFor = 6;
    pool.onOperation = () => { throw refusal('service_busy', true, 3_600_000); };
    expect((await sandbox.files.getInfo('a')).name).toBe('a');
  });

  test('a sandbox that moved to the next generation is followed', async () => {
    const sandbox = await pool.client().create();
    pool.generation = 2;
    pool.onOperation = () => new Promise((resolve) => setTimeout(resolve, 50));
    pool.guest = (request, response) => {
      if (request.headers['x-sandbox-generation'] === '2') return void daemon(request, response);
      answer(response, { error: { code: 'stale_generation', message: 'older', retryable: false } }, 409);
    };
    const names = await Promise.all([1, 2, 3].map(async () => (await sandbox.files.getInfo('a')).name));
    expect(names).toEqual(['a', 'a', 'a']);
    // Requests that learn of it at the same time ask once.
    expect(pool.operations()).toEqual(['create', 'connect']);
  });

  test('a broken connection is tried again only where that is safe', async () => {
    const sandbox = await pool.client().create();
    let broken = 0;
    pool.guest = (request, response) => broken++ === 0 ? void response.destroy() : void daemon(request, response);
    expect((await sandbox.files.getInfo('a')).name).toBe('a');
    broken = 0;
    await expect(sandbox.files.rename('a', 'b')).rejects.toMatchObject({ name: 'ConnectionLostError', retryable: false });
    expect(broken).toBe(1);
  });

  test('fails with scope request if an answer hangs', async () => {
    const sandbox = await pool.client().create();
    pool.guest = () => setImmediate(() => pool.clock.advance(5000)) && undefined;
    await expect(sandbox.files.getInfo('a', { requestTimeoutMs: 4000 })).rejects.toMatchObject({ scope: 'request', code: 'timeout' });
  });
});

describe('secrets', () => {
  test('the daemon gets secret and generation, the proxy its headers', async () => {
    await pool.client().create();
    expect(pool.arrived[0].headers).toMatchObject({
      'authorization': `Bearer ${SECRET}`, 'x-sandbox-generation': '1', 'x-aws-proxy-port': '8080', 'host': HOST,
    });
  });

  test('a redirect is not followed', async () => {
    const sandbox = await pool.client().create();
    await using elsewhere = await TestPool.start();
    pool.guest = (_, response) => void response.writeHead(307, { location: `${elsewhere.url}/v1/files/stat` }).end();
    await expect(sandbox.files.getInfo('a')).rejects.toThrow('answered 307');
    const response = await sandbox.fetch(3000);
    expect(response.status).toBe(307);
    expect(elsewhere.arrived).toHaveLength(0);
  });

  test.each([
    'evil.example.com', `x.lambda-microvm.${REGION}.on.aws`, HOST.replace(REGION, 'us-east-1'), `${HOST}.evil.com`, `${HOST}:444`,
    `user@${HOST}`, '127.0.0.1',
  ])('fails before anything is sent to %s', (host) => {
    expect(() => endpointAddress(host, REGION, undefined)).toThrow('nothing was sent');
  });

  test('a microVM of the pool\'s Region is spoken to over https only', () => {
    expect(endpointAddress(HOST, REGION, undefined)).toEqual({ secure: true, hostname: HOST, port: 443, host: HOST, url: `https://${HOST}` });
  });

  test('create refuses a host from the allocator that is none', async () => {
    pool.host = 'evil.example.com';
    await expect(new SandboxClient({ pool: POOL, lambda: pool }).create()).rejects.toThrow('evil.example.com');
    expect(pool.operations()).toEqual(['create', 'kill']);
  });

  test.each([
    'https://127.0.0.1:1', 'http://10.0.0.1:1', 'http://example.com', 'http://127.0.0.1.example.com', 'http://user:pw@127.0.0.1:1',
    'http://127.0.0.1:1/path', 'http://0.0.0.0:1', 'ftp://127.0.0.1', '127.0.0.1:80', 'http://[::2]:1',
  ])('fails on the local endpoint %s', (url) => {
    expect(() => parseLocalEndpoint(url)).toThrow('localEndpoint');
  });

  test.each(['http://127.0.0.1:4566', 'http://localhost:1', 'http://[::1]:1', 'http://127.8.8.8'])('takes the local endpoint %s', (url) => {
    expect(parseLocalEndpoint(url).protocol).toBe('http:');
  });

  test('an error that quotes a secret is shown without it', async () => {
    const sandbox = await pool.client().create();
    pool.guest = (request, response) => {
      const message = `bad ${request.headers.authorization} and ${request.headers['x-aws-proxy-auth']}\u001b[2J`;
      answer(response, { error: { code: 'internal', message, retryable: false } }, 500);
    };
    const error = await sandbox.files.getInfo('a').catch((reason: Error) => reason) as Error;
    expect(error.message).toMatch(/^bad Bearer … and …/);
    expect(error.message).not.toContain('\u001b');
  });
});

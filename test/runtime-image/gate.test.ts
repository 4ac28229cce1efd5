import { connect } from 'node:net';
import { DaemonFixture, PAYLOAD, SECRET, send } from './daemon-fixture';
import { GENERATION_HEADER } from '../../client/src/protocol/daemon';

const ROUTES: [string, string][] = [
  ['GET', '/v1/health'], ['POST', '/v1/commands'], ['GET', '/v1/files?path=x'], ['PUT', '/v1/archive?path=x'], ['GET', '/nonsense'],
];

describe('before /run', () => {
  let fixture: DaemonFixture;
  beforeEach(async () => (fixture = await DaemonFixture.start()));
  afterEach(async () => fixture.stop());

  test.each(ROUTES)('fails %s %s with not_ready, to be tried again', async (method, path) => {
    const answer = await fixture.api(method, path, method === 'GET' ? undefined : 'body');
    expect(answer.status).toBe(503);
    expect(answer.json().error).toMatchObject({ code: 'not_ready', retryable: true, retryAfterMs: expect.any(Number) });
  });

  test('opens with /run', async () => {
    await fixture.run();
    expect((await fixture.api('GET', '/v1/health')).json()).toEqual({
      sandboxId: PAYLOAD.sandboxId, generation: 3, version: expect.stringMatching(/^\d+\.\d+\.\d+$/), running: 0,
    });
  });
});

describe('after /run', () => {
  let fixture: DaemonFixture;
  beforeAll(async () => (fixture = await DaemonFixture.running()));
  afterAll(async () => fixture.stop());

  const generation = { [GENERATION_HEADER]: '3' };
  test.each([
    ['no secret', {}],
    ['another secret', { authorization: 'Bearer wrong' }],
    ['a secret that begins alike', { authorization: `Bearer ${SECRET}x` }],
    ['a secret in another scheme', { authorization: `Basic ${SECRET}` }],
    ['the hash instead of the secret', { authorization: `Bearer ${PAYLOAD.secretSha256}` }],
    ['an empty secret', { authorization: 'Bearer ' }],
  ])('fails with unauthenticated for %s', async (_, headers) => {
    const answer = await send(fixture.daemon.apiPort, 'GET', '/v1/health', { headers: { ...generation, ...headers } as Record<string, string> });
    expect(answer.status).toBe(401);
    expect(answer.json().error).toMatchObject({ code: 'unauthenticated', retryable: false });
    expect(answer.body.toString()).not.toContain(SECRET);
  });

  test.each([['missing', undefined], ['older', '2'], ['newer', '4'], ['not canonical', '03']])(
    'fails with stale_generation if the generation is %s', async (_, value) => {
      const headers: Record<string, string> = { authorization: `Bearer ${SECRET}`, ...(value ? { [GENERATION_HEADER]: value } : {}) };
      const answer = await send(fixture.daemon.apiPort, 'GET', '/v1/health', { headers });
      expect(answer.status).toBe(409);
      expect(answer.json().error).toMatchObject({ code: 'stale_generation', message: expect.stringContaining('generation 3') });
    });

  test('fails an unknown route with invalid_argument that names it', async () => {
    for (const path of ['/v1/nothing', '/', '//', '/v1/commands/abc/xyz', '/v1/commands/a/b/c', '/v1/health/', '/__proto__', '*']) {
      const answer = await fixture.api('GET', path);
      expect(answer.status).toBe(400);
      expect(answer.json().error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('no such route') });
    }
    expect((await fixture.api('DELETE', '/v1/health')).json().error.message).toContain('DELETE /v1/health');
  });

  test('answers a refused upload of 64 KiB and keeps the connection', async () => {
    const answer = await send(fixture.daemon.apiPort, 'PUT', '/v1/files?path=x', {
      headers: { connection: 'keep-alive' }, body: Buffer.alloc(64 * 1024),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.connection).toBe('keep-alive');
  });

  test('answers a refused upload without waiting for more than 64 KiB of it, then closes', async () => {
    const socket = connect(fixture.daemon.apiPort, '127.0.0.1');
    socket.write('PUT /v1/files?path=x HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n');
    socket.write(Buffer.alloc(128 * 1024));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toMatch(/connection: close/i);
    expect(text).toContain('unauthenticated');
  });

  test('never logs a secret', async () => {
    expect(JSON.stringify(fixture.log)).not.toContain(SECRET);
    expect(JSON.stringify(fixture.log)).not.toContain(PAYLOAD.secretSha256);
  });
});

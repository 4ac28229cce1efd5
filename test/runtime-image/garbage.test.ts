import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DaemonFixture } from './daemon-fixture';

let fixture: DaemonFixture;
beforeAll(async () => (fixture = await DaemonFixture.running()));
afterAll(async () => fixture.stop());

const bothPorts = () => [fixture.daemon.apiPort, fixture.daemon.hookPort];

/** What a port answers to raw bytes before it closes; the sender's half stays open. */
async function answerTo(port: number, bytes: Buffer | string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch {
    // A reset is an answer too.
  }
  return Buffer.concat(chunks).toString('latin1');
}

async function expectBothServersAnswer(): Promise<void> {
  expect((await fixture.api('GET', '/v1/health')).status).toBe(200);
  expect((await fixture.hook('ready')).status).toBe(200);
}

const GARBAGE: [string, Buffer | string][] = [
  ['no method', '\r\n\r\n \r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a bad length', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n'],
  ['a length and chunks', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(20_000)}`],
  ['a header of 100 KB', `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
  ['a NUL in a header', 'GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n'],
];

test.each(GARBAGE)('answers 4xx to %s on both ports', async (_, bytes) => {
  for (const port of bothPorts()) expect(await answerTo(port, bytes)).toMatch(/^HTTP\/1\.1 4\d\d [^]*"code":"invalid_argument"/);
  await expectBothServersAnswer();
});

test('survives random bytes on both ports', async () => {
  for (let round = 0; round < 100; round++) {
    const bytes = Buffer.concat([randomBytes(1 + (round * 37) % 3000), Buffer.from('\r\n\r\n')]);
    const answers = await Promise.all(bothPorts().map(async (port) => answerTo(port, bytes)));
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
  }
  await expectBothServersAnswer();
});

test('survives a TLS handshake on both ports', async () => {
  for (const port of bothPorts()) {
    await new Promise((resolve) => connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', resolve));
  }
  await expectBothServersAnswer();
});

test('survives callers that leave at any point of a request', async () => {
  const headers = Object.entries(fixture.headers()).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const request = `POST /v1/commands HTTP/1.1\r\nhost: x\r\n${headers}content-length: 60\r\n\r\n{"commandId":"cut","comm`;
  for (let length = 1; length < request.length; length += 7) {
    const socket = connect(fixture.daemon.apiPort, '127.0.0.1');
    await new Promise<void>((resolve) => socket.write(request.slice(0, length), () => resolve()));
    socket.destroy();
  }
  await expectBothServersAnswer();
  expect((await fixture.api('GET', '/v1/commands/cut')).status).toBe(404);
});

test('answers 4xx to valid requests with random contents', async () => {
  const paths = ['/v1/commands', '/v1/commands/x/stdin', '/v1/commands/x/signal', '/v1/files/move', '/v1/files/directories'];
  for (let round = 0; round < 60; round++) {
    const query = encodeURI(randomBytes(9).toString('latin1'));
    const answer = await fixture.api('POST', `${paths[round % paths.length]}?${query}`, randomBytes(100));
    expect(Math.floor(answer.status / 100)).toBe(4);
    expect(answer.json().error).toEqual({
      code: expect.any(String), message: expect.any(String), retryable: false,
    });
  }
  for (const query of ['%', '%zz', 'path=%00', 'path=%ff%fe', '&&&', 'path', '=', 'path=a&offset=%31%00']) {
    expect(Math.floor((await fixture.api('GET', `/v1/files?${query}`)).status / 100)).toBe(4);
  }
  await expectBothServersAnswer();
  expect(fixture.log.filter(({ event }) => event === 'fault')).toEqual([]);
});

import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { STSClient } from '@aws-sdk/client-sts';
import { LocalClock } from '../../../local/src/clock';
import { IamService } from '../../../local/src/iam/iam-service';
import { metadataServer } from '../../../local/src/iam/instance-metadata';

const CREDENTIALS = '/latest/meta-data/iam/security-credentials/';

let clock: LocalClock;
let servers: Server[];

beforeEach(() => {
  clock = new LocalClock();
  servers = [];
});
afterEach(async () => {
  clock.stop();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Stands where a microVM hands its connections over. */
async function serve(roleArn?: string): Promise<number> {
  const iam = new IamService('000000000000', { clock });
  const accept = metadataServer(roleArn === undefined ? undefined : await iam.assume(roleArn), clock);
  const server = createServer(accept);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const ROLE = 'arn:aws:iam::000000000000:role/Execution';
const ask = (port: number, path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close', ...init.headers } });

async function tokenOf(port: number, seconds = '60'): Promise<string> {
  const response = await ask(port, '/latest/api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': seconds } });
  return response.text();
}

const withToken = (token: string) => ({ headers: { 'x-aws-ec2-metadata-token': token } });

/** What comes back for bytes as they stand. */
function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => { text += chunk; }).on('error', () => undefined).on('close', () => resolve(text));
  });
}

test('lists exactly one role, and gives its credentials to who has a token', async () => {
  const port = await serve(ROLE);
  const token = await tokenOf(port);
  expect(await (await ask(port, CREDENTIALS, withToken(token))).text()).toBe('execution_role');
  const before = clock.now();
  const credentials = await (await ask(port, `${CREDENTIALS}execution_role`, withToken(token))).json() as Record<string, string>;
  expect(credentials).toMatchObject({
    Code: 'Success', Type: 'AWS-HMAC', AccessKeyId: expect.stringMatching(/^ASIA/), SecretAccessKey: expect.any(String), Token: expect.any(String),
  });
  expect(Math.abs(Date.parse(credentials.Expiration) - before - 55 * 60_000)).toBeLessThan(5000);
  expect(Date.parse(credentials.Expiration) - Date.parse(credentials.LastUpdated)).toBe(55 * 60_000);
});

test('the SDK finds its credentials here', async () => {
  const port = await serve(ROLE);
  const { env } = process;
  process.env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  try {
    expect(await new STSClient({ region: 'us-east-1' }).config.credentials()).toMatchObject({ accessKeyId: expect.stringMatching(/^ASIA/) });
  } finally {
    process.env = env;
  }
});

test('gives the same credentials until shortly before they expire, and then fresh ones', async () => {
  const port = await serve(ROLE);
  const keyNow = async () => (await (await ask(port, `${CREDENTIALS}execution_role`, withToken(await tokenOf(port)))).json() as { AccessKeyId: string }).AccessKeyId;
  const first = await keyNow();
  await clock.advance({ minutes: 45 });
  expect(await keyNow()).toBe(first);
  await clock.advance({ minutes: 11 });
  expect(await keyNow()).not.toBe(first);
});

test('fails without a token, with another one, and with one that has run out', async () => {
  const port = await serve(ROLE);
  expect((await ask(port, CREDENTIALS)).status).toBe(401);
  expect((await ask(port, CREDENTIALS, withToken('guess'))).status).toBe(401);
  const token = await tokenOf(port, '1');
  await clock.advance({ seconds: 2 });
  expect((await ask(port, CREDENTIALS, withToken(token))).status).toBe(401);
});

test('fails for a token that is asked for in another way', async () => {
  const port = await serve(ROLE);
  const put = (headers: Record<string, string>) => ask(port, '/latest/api/token', { method: 'PUT', headers });
  for (const seconds of ['', '0', '21601', '-1', '1e3', 'x']) {
    expect((await put({ 'x-aws-ec2-metadata-token-ttl-seconds': seconds })).status).toBe(400);
  }
  expect((await put({})).status).toBe(400);
  expect((await put({ 'x-aws-ec2-metadata-token-ttl-seconds': '60', 'x-forwarded-for': '1.2.3.4' })).status).toBe(403);
  expect((await ask(port, '/latest/api/token')).status).toBe(405);
});

test('fails for everything else, and for everything without a role', async () => {
  const port = await serve(ROLE);
  const token = await tokenOf(port);
  for (const path of ['/', '/latest/meta-data/', '/latest/meta-data/placement/region', `${CREDENTIALS}other`, `${CREDENTIALS}../x`, '/latest/user-data']) {
    expect((await ask(port, path, withToken(token))).status).toBe(404);
  }
  expect((await ask(port, CREDENTIALS, { ...withToken(token), method: 'POST', body: 'x' })).status).toBe(405);
  const nobody = await serve();
  const other = await tokenOf(nobody);
  expect((await ask(nobody, CREDENTIALS, withToken(other))).status).toBe(404);
  expect((await ask(nobody, `${CREDENTIALS}execution_role`, withToken(other))).status).toBe(404);
});

describe('fails for a web page in a browser on this machine', () => {
  const put = (host: string, headers = '') => (
    `PUT /latest/api/token HTTP/1.1\r\nHost: ${host}\r\n${headers}x-aws-ec2-metadata-token-ttl-seconds: 60\r\ncontent-length: 0\r\n\r\n`
  );

  test.each(['attacker.example', 'attacker.example:8080', '127.0.0.1.attacker.example', 'localhost.attacker.example', '169.254.169.254.attacker.example'])('that has its own name lead here: %s', async (host) => {
    expect(await sendRaw(await serve(ROLE), put(host))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each([['an origin', 'Origin: https://attacker.example\r\n'], ['a site', 'Sec-Fetch-Site: cross-site\r\n']])('that comes with %s', async (_, header) => {
    expect(await sendRaw(await serve(ROLE), put('127.0.0.1', header))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each(['127.0.0.1', '127.0.0.1:1338', 'localhost', '169.254.169.254', '169.254.169.254:80'])('and not for a program at %s', async (host) => {
    expect(await sendRaw(await serve(ROLE), put(host))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test('survives whatever comes', async () => {
  const port = await serve(ROLE);
  await sendRaw(port, 'garbage\r\n\r\n');
  await sendRaw(port, Buffer.from([0, 255, 13, 10, 13, 10]));
  await sendRaw(port, `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
  await sendRaw(port, 'GET http://[ HTTP/1.0\r\n\r\n');
  const idle = Array.from({ length: 60 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await Promise.race(idle.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  idle.forEach((socket) => socket.destroy());
  await Promise.all(idle.map((socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve))));
  for (let count = 0; count < 120; count++) await tokenOf(port);
  const token = await tokenOf(port);
  expect((await ask(port, CREDENTIALS, withToken(token))).status).toBe(200);
});

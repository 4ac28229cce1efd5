import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmShellAuthTokenCommand, ResumeMicrovmCommand, RunMicrovmCommand,
  SuspendMicrovmCommand, TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { WebSocket } from 'ws';
import { ALL_HOOKS, COUNTER, guest, HOOKED } from './guests';
import { MicrovmCloud, REGION } from './microvm-cloud';

/** Tells on which port it was reached, over HTTP and over WebSocket frames. */
const PORTS = guest(`
const { createHash } = require('node:crypto');
for (const port of [8080, 9000]) {
  listen(port, (request, response) => request.url === '/exit' ? process.exit(3) : response.end(String(port))).on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
    const offered = (request.headers['sec-websocket-protocol'] ?? 'none') + ' on ' + port;
    socket.write(Buffer.concat([Buffer.from([0x81, offered.length]), Buffer.from(offered)]));
    socket.on('error', () => undefined);
  });
}
`);

let cloud: MicrovmCloud;
let image: string;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes').open();
  image = await cloud.createImage('ports', PORTS);
});
afterAll(() => cloud.close());

const connector = (name: string) => `arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector:${name}`;

/** A microVM that answers, and a token for both of its ports. */
async function start(more: object = {}, imageArn = image) {
  const vm = await cloud.run(imageArn, more);
  const token = await cloud.token(vm.id, [8080, 9000]);
  await cloud.until('an answer', async () => (await cloud.fetch(vm.endpoint, '/', { token })).status === 200);
  return { ...vm, token };
}

interface Opened {
  readonly message?: string;
  readonly protocol?: string;
  readonly status?: number;
  readonly body?: string;
}

/** What a WebSocket client sees: the first message and the subprotocol, or the status of the refusal. */
function openWebSocket(endpoint: string, protocols: string[], headers: object = {}): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${cloud.port}/`, protocols, { headers: { host: endpoint, ...headers } });
    socket.once('message', (data) => {
      resolve({ message: String(data), protocol: socket.protocol });
      socket.terminate();
    });
    socket.once('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (chunk) => void (body += String(chunk))).on('end', () => resolve({ status: response.statusCode, body }));
    });
    socket.once('error', reject);
  });
}

const refusal = (body: string) => ({ status: 403, body, headers: expect.objectContaining({ 'cache-control': 'private, no-store' }) });
const EMPTY_502 = { status: 502, body: '' };

describe('the port', () => {
  let vm: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    vm = await start();
  });

  test('is 8080 unless the header names another one', async () => {
    expect(await cloud.fetch(vm.endpoint, '/', { token: vm.token })).toMatchObject({ body: '8080' });
    expect(await cloud.fetch(vm.endpoint, '/', { token: vm.token, headers: { 'X-AWS-Proxy-Port': '9000' } })).toMatchObject({ body: '9000' });
  });

  test('of a WebSocket is the header\'s, else the subprotocol\'s, else 8080', async () => {
    const authentication = `lambda-microvms.authentication.${vm.token}`;
    const open = async (protocols: string[], headers: object = {}) => (
      (await openWebSocket(vm.endpoint, protocols, headers)).message
    );
    expect(await open(['lambda-microvms', authentication])).toBe('none on 8080');
    expect(await open(['lambda-microvms', authentication, 'lambda-microvms.port.9000'])).toBe('none on 9000');
    expect(await open(['lambda-microvms', authentication, 'lambda-microvms.port.9000'], { 'x-aws-proxy-port': '8080' })).toBe('none on 8080');
  });

  test('in a subprotocol is nothing to a plain request', async () => {
    const headers = { 'sec-websocket-protocol': 'lambda-microvms.port.9000' };
    expect(await cloud.fetch(vm.endpoint, '/', { token: vm.token, headers })).toMatchObject({ body: '8080' });
  });

  test.each(['', 'x', '0', '65536', '8080, 9000', '0x1f90', '-1', '8080.0', '99999999999'])('fails with 400 on "%s"', async (port) => {
    expect(await cloud.fetch(vm.endpoint, '/', { token: vm.token, headers: { 'x-aws-proxy-port': port } })).toMatchObject({ status: 400, body: '' });
  });

  test('fails with 400 on a malformed subprotocol', async () => {
    const protocols = ['lambda-microvms', `lambda-microvms.authentication.${vm.token}`, 'lambda-microvms.port.http'];
    expect(await openWebSocket(vm.endpoint, protocols)).toEqual({ status: 400, body: '' });
  });

  test('fails with 403 outside of the token\'s ports, also where it is the default', async () => {
    const narrow = await cloud.token(vm.id, [9000]);
    expect(await cloud.fetch(vm.endpoint, '/', { token: narrow })).toMatchObject(refusal('Access to port denied'));
    expect(await openWebSocket(vm.endpoint, ['lambda-microvms', `lambda-microvms.authentication.${narrow}`]))
      .toEqual({ status: 403, body: 'Access to port denied' });
  });

  test('is open by a range and by allPorts', async () => {
    for (const allowedPorts of [[{ range: { startPort: 8999, endPort: 9001 } }], [{ allPorts: {} }]]) {
      const { authToken = {} } = await cloud.client.send(new CreateMicrovmAuthTokenCommand({
        microvmIdentifier: vm.id, expirationInMinutes: 5, allowedPorts,
      }));
      const token = authToken['X-aws-proxy-auth'];
      expect(await cloud.fetch(vm.endpoint, '/', { token, headers: { 'x-aws-proxy-port': '9000' } })).toMatchObject({ body: '9000' });
    }
  });
});

describe('authentication', () => {
  let vm: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    vm = await start();
  });

  test('of a WebSocket works by header as well, and the application\'s own subprotocol is all that the guest sees', async () => {
    expect(await openWebSocket(vm.endpoint, [], { 'x-aws-proxy-auth': vm.token })).toEqual({ message: 'none on 8080', protocol: '' });
    const protocols = ['lambda-microvms', `lambda-microvms.authentication.${vm.token}`, 'lambda-microvms.port.9000', 'chat'];
    expect(await openWebSocket(vm.endpoint, protocols)).toEqual({ message: 'chat on 9000', protocol: 'lambda-microvms' });
  });

  test('fails for a WebSocket with the same words', async () => {
    expect(await openWebSocket(vm.endpoint, ['lambda-microvms'])).toEqual({ status: 403, body: 'Request missing authentication' });
    const other = await start();
    expect(await openWebSocket(vm.endpoint, ['lambda-microvms', `lambda-microvms.authentication.${other.token}`]))
      .toEqual({ status: 403, body: 'Token authentication failed' });
  });

  test('by subprotocol is nothing to a plain request', async () => {
    const headers = { 'sec-websocket-protocol': `lambda-microvms.authentication.${vm.token}` };
    expect(await cloud.fetch(vm.endpoint, '/', { headers })).toMatchObject(refusal('Request missing authentication'));
  });

  test('fails with two tokens, and for a host name that differs', async () => {
    const twice = { 'x-aws-proxy-auth': [vm.token, vm.token] };
    expect(await cloud.fetch(vm.endpoint, '/', { headers: twice })).toMatchObject(refusal('Request missing authentication'));
    const elsewhere = vm.endpoint.replace(REGION, 'eu-west-1');
    expect(await cloud.fetch(elsewhere, '/', { token: vm.token })).toMatchObject(refusal('Token authentication failed'));
    expect(await cloud.fetch(`${vm.endpoint}:443`, '/', { token: vm.token })).toMatchObject({ body: '8080' });
  });

  test('fails at the very end of the token\'s time, also on a connection that served a request before', async () => {
    const short = await cloud.token(vm.id, [8080], 1);
    expect(await cloud.fetch(vm.endpoint, '/', { token: short })).toMatchObject({ status: 200 });
    await cloud.clock.advance({ seconds: 61 });
    expect(await cloud.fetch(vm.endpoint, '/', { token: short })).toMatchObject(refusal('Token authentication failed'));
  });

  test('fails on a microVM without HTTP ingress', async () => {
    const { id, endpoint } = await cloud.run(image, { ingressNetworkConnectors: [connector('NO_INGRESS')] });
    expect(await cloud.fetch(endpoint, '/', { token: await cloud.token(id) })).toMatchObject(refusal('Token authentication failed'));
  });

  test('fails with 502 for a shell token on a plain request', async () => {
    for (const ingress of [['SHELL_INGRESS'], ['HTTP_INGRESS', 'SHELL_INGRESS']]) {
      const { id, endpoint } = await cloud.run(image, { ingressNetworkConnectors: ingress.map(connector) });
      const { authToken = {} } = await cloud.client.send(new CreateMicrovmShellAuthTokenCommand({
        microvmIdentifier: id, expirationInMinutes: 5,
      }));
      expect(await cloud.fetch(endpoint, '/shell', { token: authToken['X-aws-proxy-auth'] })).toMatchObject(EMPTY_502);
    }
  });
});

describe('fails with an empty 502', () => {
  test('where nobody listens', async () => {
    const { id, endpoint } = await start();
    const token = await cloud.token(id, [1]);
    expect(await cloud.fetch(endpoint, '/', { token, headers: { 'x-aws-proxy-port': '1' } })).toMatchObject(EMPTY_502);
  });

  test('while the microVM is PENDING', async () => {
    const hooked = await cloud.createImage('pending', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { STATUS_run: 'silent' } });
    const { microvmId = '', endpoint = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: hooked }));
    const token = await cloud.token(microvmId);
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject(EMPTY_502);
    expect((await cloud.microvm(microvmId)).state).toBe('PENDING');
  });

  test('while the microVM is SUSPENDED and is not to be resumed by traffic', async () => {
    const idlePolicy = { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 1800, autoResumeEnabled: false };
    const { id, endpoint, token } = await start({ idlePolicy });
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject(EMPTY_502);
    expect(await openWebSocket(endpoint, [], { 'x-aws-proxy-auth': token })).toEqual(EMPTY_502);
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'RUNNING');
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject({ body: '8080' });
  });

  test('once the microVM is TERMINATED', async () => {
    const { id, endpoint, token } = await start();
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject(EMPTY_502);
  });

  test('as soon as the main process is over, and if an auto-resume fails', async () => {
    const exited = await start();
    await cloud.fetch(exited.endpoint, '/exit', { token: exited.token });
    expect(await cloud.fetch(exited.endpoint, '/', { token: exited.token })).toMatchObject(EMPTY_502);

    const hooked = await cloud.createImage('resume', HOOKED, { hooks: ALL_HOOKS, environmentVariables: { STATUS_resume: '500' } });
    const idlePolicy = { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 1800, autoResumeEnabled: true };
    const { id, endpoint } = await cloud.run(hooked, { idlePolicy });
    const token = await cloud.token(id);
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject(EMPTY_502);
    await cloud.untilState(id, 'TERMINATED');
  });
});

test('auto-resume holds the first requests and serves them', async () => {
  const idlePolicy = { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 1800, autoResumeEnabled: true };
  const counter = await cloud.createImage('counter', COUNTER);
  const { id, endpoint, token } = await start({ idlePolicy }, counter);
  await cloud.clock.advance({ minutes: 11 });
  await cloud.untilState(id, 'SUSPENDED');
  const answers = await Promise.all(['/count', '/count', '/count'].map((path) => cloud.fetch(endpoint, path, { token })));
  expect(answers.map(({ body }) => (JSON.parse(body) as { memory: number }).memory).sort()).toEqual([1, 2, 3]);
  expect((await cloud.microvm(id)).state).toBe('RUNNING');
});

test('a request that comes while the microVM is being suspended wakes it again, and so does a WebSocket', async () => {
  const idlePolicy = { maxIdleDurationSeconds: 600, suspendedDurationSeconds: 1800, autoResumeEnabled: true };
  const { id, endpoint, token } = await start({ idlePolicy });
  await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
  expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject({ body: '8080' });
  await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
  await cloud.untilState(id, 'SUSPENDED');
  expect(await openWebSocket(endpoint, [], { 'x-aws-proxy-auth': token })).toMatchObject({ message: 'none on 8080' });
});

test('a microVM has the connections of its size where the service keeps to them', async () => {
  const limited = await new MicrovmCloud('processes', undefined, { bandwidth: true }).open();
  const silent = guest('listen(8080, (request, response) => request.url === "/held" ? undefined : response.end("ok"));');
  const { id, endpoint } = await limited.run(await limited.createImage('small', silent, { resources: [{ minimumMemoryInMiB: 512 }] }));
  const token = await limited.token(id);
  await limited.until('an answer', async () => (await limited.fetch(endpoint, '/', { token })).status === 200);
  const held = Array.from({ length: 8 }, () => limited.fetch(endpoint, '/held', { token }).catch(() => 'cut'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  let answered = false;
  const ninth = limited.fetch(endpoint, '/', { token }).then(() => (answered = true), () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(answered).toBe(false);
  await limited.close();
  await Promise.all([...held, ninth]);
});

import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { SuspendMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import { guest } from './guests';
import { describeEachIsolation } from './isolations';
import { MicrovmCloud, REGION } from './microvm-cloud';

/** Answers with what it got; echoes bodies as they come; speaks WebSocket far enough to echo bytes. */
const ECHO = guest(`
const { createHash } = require('node:crypto');
const handler = (name) => (request, response) => {
  if (request.url === '/drop') return request.socket.destroy();
  if (request.url === '/status') return request.socket.end('HTTP/1.1 099 No\\r\\ncontent-length: 0\\r\\n\\r\\n');
  if (request.url === '/reason') return request.socket.end('HTTP/1.1 200 \\x01\\r\\ncontent-length: 0\\r\\n\\r\\n');
  if (request.url !== '/stream') {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    return response.end(JSON.stringify({ name, url: request.url, headers: request.rawHeaders }));
  }
  response.writeHead(200, { trailer: 'x-sum' });
  request.on('data', (chunk) => response.write(chunk)).on('end', () => { response.addTrailers({ 'x-sum': 'done' }); response.end(); });
};
for (const port of [8080, 9000]) {
  listen(port, handler('port ' + port)).on('upgrade', (request, socket) => {
    const key = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    const offered = request.headers['sec-websocket-protocol'];
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + key
      + (offered ? '\\r\\nSec-WebSocket-Protocol: ' + offered.split(',')[0] : '') + '\\r\\n\\r\\n');
    socket.write('hello from ' + port + ' ' + (request.headers['x-aws-proxy-auth'] ?? 'no token') + ';');
    socket.pipe(socket);
  });
}
`);

describeEachIsolation((isolation) => {
  let cloud: MicrovmCloud;
  let vm: { id: string; endpoint: string };
  let token: string;
  beforeAll(async () => {
    cloud = await new MicrovmCloud(isolation).open();
    vm = await cloud.run(await cloud.createImage('echo', ECHO));
    token = await cloud.token(vm.id, [8080, 9000]);
    await cloud.until('an answer', async () => (await cloud.fetch(vm.endpoint, '/', { token })).status === 200);
  });
  afterAll(() => cloud.close());

  test('a request reaches the guest without the proxy\'s headers, and with all others', async () => {
    const { body, headers } = await cloud.fetch(vm.endpoint, '/a%2Fb?c=d', {
      token, headers: { 'x-aws-proxy-anything': 'x', 'authorization': 'Bearer mine', 'x-case': 'Kept' },
    });
    const seen = JSON.parse(body) as { name: string; url: string; headers: string[] };
    expect(seen).toMatchObject({ name: 'port 8080', url: '/a%2Fb?c=d' });
    const names = seen.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names.filter((name) => name.startsWith('x-aws-proxy') || name === 'x-forwarded-for')).toEqual([]);
    expect(seen.headers).toEqual(expect.arrayContaining(['Bearer mine', 'Kept', vm.endpoint, 'x-amzn-requestid']));
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test('the port header chooses the port', async () => {
    const { body } = await cloud.fetch(vm.endpoint, '/', { token, headers: { 'x-aws-proxy-port': '9000' } });
    expect(JSON.parse(body)).toMatchObject({ name: 'port 9000' });
  });

  test('fails with the service\'s bodies on a bad token, port or host', async () => {
    const other = await cloud.run(`arn:aws:lambda:${REGION}:000000000000:microvm-image:echo`);
    const refused = { status: 403, headers: expect.objectContaining({ 'cache-control': 'private, no-store' }) };
    // Not the last character: most of its bits belong to no byte.
    const tampered = `${token.slice(0, -9)}${token.at(-9) === 'A' ? 'B' : 'A'}${token.slice(-8)}`;
    for (const [given, body] of [
      [undefined, 'Request missing authentication'],
      ['nonsense', 'Request missing authentication'],
      [tampered, 'Request missing authentication'],
      [await cloud.token(other.id), 'Token authentication failed'],
    ]) {
      expect(await cloud.fetch(vm.endpoint, '/', { token: given })).toMatchObject({ ...refused, body });
    }
    for (const name of ['00000000-0000-0000-0000-000000000000', 'no-uuid']) {
      const unknown = `${name}.lambda-microvm.${REGION}.on.aws`;
      expect(await cloud.fetch(unknown, '/', { token })).toMatchObject({ ...refused, body: 'Token authentication failed' });
      expect(await cloud.fetch(unknown, '/')).toMatchObject({ ...refused, body: 'Request missing authentication' });
    }
    const narrow = await cloud.token(vm.id, [8080]);
    expect(await cloud.fetch(vm.endpoint, '/', { token: narrow, headers: { 'x-aws-proxy-port': '9000' } }))
      .toMatchObject({ ...refused, body: 'Access to port denied' });
    expect(await cloud.fetch(vm.endpoint, '/', { token, headers: { 'x-aws-proxy-port': 'x' } })).toMatchObject({ status: 400, body: '' });
  });

  test('fails with an empty 502 where nobody listens or the guest hangs up', async () => {
    const open = await cloud.token(vm.id, [1]);
    expect(await cloud.fetch(vm.endpoint, '/', { token: open, headers: { 'x-aws-proxy-port': '1' } })).toMatchObject({ status: 502, body: '' });
    expect(await cloud.fetch(vm.endpoint, '/drop', { token })).toMatchObject({ status: 502, body: '' });
  });

  test('fails with an empty 502 on a head that no server may send, and goes on', async () => {
    for (const path of ['/status', '/reason']) expect(await cloud.fetch(vm.endpoint, path, { token })).toMatchObject({ status: 502, body: '' });
    expect(await cloud.fetch(vm.endpoint, '/', { token })).toMatchObject({ status: 200 });
  });

  test('a token ends with its time, an open stream outlives it', async () => {
    const short = await cloud.token(vm.id, [8080], 1);
    const stream = openStream(cloud.port, vm.endpoint, short);
    stream.send('one');
    expect(await stream.next()).toBe('one');
    await cloud.clock.advance({ seconds: 61 });
    expect(await cloud.fetch(vm.endpoint, '/', { token: short })).toMatchObject({ status: 403, body: 'Token authentication failed' });
    stream.send('two');
    expect(await stream.next()).toBe('two');
    stream.end();
    expect(await stream.trailers()).toEqual({ 'x-sum': 'done' });
  });

  test('a token shows nothing of what it holds', () => {
    expect(token).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    const header = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()) as object;
    expect(header).toEqual({ alg: 'dir', enc: 'A256GCM', kid: expect.any(String) });
    expect(Buffer.from(token.split('.')[3], 'base64url').toString('latin1')).not.toContain(vm.id);
  });

  test('a WebSocket opens with its token in the subprotocols, which the guest does not see', async () => {
    const socket = await upgrade(cloud.port, vm.endpoint, {
      'sec-websocket-protocol': `lambda-microvms, lambda-microvms.authentication.${token}, lambda-microvms.port.9000, chat`,
    });
    expect(await socket.next('hello from 9000 no token;')).toMatch(/sec-websocket-protocol: chat\r\n/i);
    socket.send('ping');
    await socket.next('ping');
    socket.close();
  });

  test('the client gets the proxy\'s subprotocol if the guest chose none', async () => {
    const socket = await upgrade(cloud.port, vm.endpoint, {
      'sec-websocket-protocol': `lambda-microvms, lambda-microvms.authentication.${token}`,
    });
    expect(await socket.next('hello from 8080')).toMatch(/sec-websocket-protocol: lambda-microvms\r\n/i);
    await cloud.clock.advance({ seconds: 61 });
    await socket.closed;
  });

  test('fails to open a WebSocket without a token', async () => {
    const socket = await upgrade(cloud.port, vm.endpoint, {});
    expect(await socket.next('missing authentication')).toMatch(/^HTTP\/1\.1 403/);
    await socket.closed;
  });

  test('a suspend cuts the connections of the outside', async () => {
    const { id, endpoint } = await cloud.run(`arn:aws:lambda:${REGION}:000000000000:microvm-image:echo`);
    const own = await cloud.token(id);
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token: own })).status === 200);
    const socket = await upgrade(cloud.port, endpoint, { 'x-aws-proxy-auth': own });
    await socket.next('hello');
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await socket.closed;
    await cloud.untilState(id, 'SUSPENDED');
  });
});

function openStream(port: number, host: string, token: string) {
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/stream', headers: { host, 'x-aws-proxy-auth': token } });
  const response = new Promise<import('node:http').IncomingMessage>((resolve, reject) => sent.on('response', resolve).on('error', reject));
  return {
    send: (text: string) => void sent.write(text),
    end: () => void sent.end(),
    next: async () => String(await new Promise((resolve, reject) => void response.then((r) => r.once('data', resolve), reject))),
    trailers: async () => {
      const answer = await response;
      await new Promise((resolve) => answer.once('end', resolve));
      return answer.trailers;
    },
  };
}

async function upgrade(port: number, host: string, headers: Record<string, string>) {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const key = createHash('md5').update(host).digest('base64');
  const all = { host, 'connection': 'Upgrade', 'upgrade': 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key, ...headers };
  socket.write(`GET /socket HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  return {
    closed,
    send: (text: string) => void socket.write(text),
    close: () => void socket.destroy(),
    next: async (text: string) => {
      for (const limit = Date.now() + 5000; !received.includes(text);) {
        if (Date.now() > limit) throw new Error(`no '${text}' in '${received}'`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return received;
    },
  };
}

import type { Socket } from 'node:net';
import { EndpointStand, HANDSHAKE, head, until } from './endpoint-stand';

const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

/** Masked and empty, as a client's. */
const PING = Buffer.from([0x89, 0x80, 1, 2, 3, 4]);

let stand: EndpointStand;
afterEach(() => stand.close());

async function standAccepting(accepted = ACCEPTED, onGuest: (socket: Socket) => void = () => undefined) {
  const read = { text: '' };
  stand = await new EndpointStand((socket) => {
    socket.once('data', () => {
      socket.write(accepted);
      onGuest(socket);
    });
    socket.on('data', (chunk) => void (read.text += chunk.toString('latin1')));
  }).open();
  return read;
}

const open = async (headers: Record<string, string> = {}) => {
  const client = stand.client().send(head('GET', '/socket', { ...HANDSHAKE, ...headers }));
  await client.until('\r\n\r\n');
  return client;
};

test('the guest gets the handshake without what was meant for the proxy', async () => {
  const read = await standAccepting();
  await open({
    'sec-websocket-protocol': 'lambda-microvms, lambda-microvms.authentication.abc, lambda-microvms.port.9000, chat, superchat',
    'x-aws-proxy-auth': 'secret',
    'sec-websocket-extensions': 'permessage-deflate',
    'cookie': 'a=1',
  });
  expect(read.text).toContain('sec-websocket-protocol: chat, superchat\r\n');
  expect(read.text).toContain('upgrade: websocket\r\n');
  expect(read.text).toContain('sec-websocket-extensions: permessage-deflate\r\n');
  expect(read.text).toContain('cookie: a=1\r\n');
  expect(read.text).toMatch(/x-amzn-requestid: /);
  expect(read.text).not.toMatch(/secret|lambda-microvms|x-forwarded/i);
});

test.each([
  ['the proxy\'s subprotocol if the application selected none', 'lambda-microvms, lambda-microvms.port.8080, chat', '', 'lambda-microvms'],
  ['the application\'s subprotocol if it selected one', 'lambda-microvms, chat', 'Sec-WebSocket-Protocol: chat\r\n', 'chat'],
  ['no subprotocol if it offered none', '', '', undefined],
  ['no subprotocol of the proxy if it did not offer it', 'chat', '', undefined],
])('the client gets %s', async (_, offered, selected, expected) => {
  await standAccepting(ACCEPTED.replace('\r\n\r\n', `\r\n${selected}\r\n`));
  const { received } = await open(offered === '' ? {} : { 'sec-websocket-protocol': offered });
  expect(/sec-websocket-protocol: ([^\r]+)/i.exec(received)?.[1]).toBe(expected);
});

test('bytes that come along with a handshake are not lost on either side', async () => {
  const read = await standAccepting(`${ACCEPTED}from the guest`);
  const client = stand.client().send(`${head('GET', '/socket', HANDSHAKE)}from the client`);
  await client.until('from the guest');
  await until('the client\'s bytes', () => read.text.endsWith('from the client'));
  expect(stand.touches).toBeGreaterThanOrEqual(3);
});

test('is cut after 60 seconds without a byte', async () => {
  await standAccepting();
  const client = await open();
  await stand.clock.advance({ seconds: 59 });
  expect(client.socket.destroyed).toBe(false);
  await stand.clock.advance({ seconds: 2 });
  await client.closed;
  await until('the end at the guest', () => stand.lines[0].destroyed);
});

test('stays open as long as pings come, from whichever side', async () => {
  const read = await standAccepting();
  const client = await open();
  for (let round = 0; round < 4; round += 1) {
    await stand.clock.advance({ seconds: 40 });
    const touched = stand.touches;
    if (round % 2) stand.lines[0].write('guest\'s ping');
    else client.send(PING);
    await until('the ping', () => stand.touches > touched);
  }
  expect(client.socket.destroyed).toBe(false);
  expect(read.text).toContain(PING.toString('latin1'));
  await stand.clock.advance({ seconds: 61 });
  await client.closed;
});

test('what the guest says last still arrives', async () => {
  const last = 'x'.repeat(5_000_000);
  await standAccepting(ACCEPTED, (socket) => socket.end(`${last}goodbye`));
  const client = await open();
  await client.closed;
  expect(client.received.endsWith('goodbye')).toBe(true);
  expect(client.received.split('\r\n\r\n')[1]).toHaveLength(last.length + 7);
});

test('what the client says last still arrives, also if it says no more', async () => {
  const read = await standAccepting();
  const client = await open();
  client.socket.end('goodbye');
  await until('the last words', () => read.text.endsWith('goodbye'));
  await client.closed;
});

test('a client that does not read holds the guest back', async () => {
  let sent = 0;
  await standAccepting(ACCEPTED, (socket) => {
    const chunk = Buffer.alloc(256 * 1024);
    const pump = (): void => {
      do sent += chunk.length; while (sent < 200 * 2 ** 20 && socket.write(chunk));
    };
    socket.on('drain', pump);
    pump();
  });
  const client = stand.client().send(head('GET', '/', HANDSHAKE));
  client.socket.pause();
  let before = -1;
  await until('the guest to stop', async () => {
    const same = before === sent;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return same && before > 0;
  });
  expect(sent).toBeLessThan(64 * 2 ** 20);
});

test('a suspend ends it', async () => {
  await standAccepting();
  const client = await open();
  stand.cut();
  await client.closed;
});

test('an application\'s own refusal reaches the client whole', async () => {
  stand = await new EndpointStand((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 401 Unauthorized\r\nx-why: because\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'));
  }).open();
  const client = stand.client().send(head('GET', '/', HANDSHAKE));
  await client.closed;
  expect(client.received).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nx-why: because\r\nconnection: close\r\n\r\nno$/);
});

test('fails with 502 if nobody can be reached, and lets go of the client', async () => {
  stand = await new EndpointStand((socket) => socket.destroy()).open();
  const client = stand.client().send(head('GET', '/', HANDSHAKE));
  expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502/);
  await client.closed;
});

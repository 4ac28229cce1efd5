import type { Socket } from 'node:net';
import { EndpointStand, HANDSHAKE, head, until } from './endpoint-stand';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const POST = { 'content-length': '2' };

let stand: EndpointStand;
/** Requests as the guest got them: the number of their connection and their first line. */
let seen: string[];
afterEach(() => stand.close());

/** A guest that hands each head it reads to `onRequest`, and keeps its connections. */
async function standWith(onRequest: (socket: Socket, line: string) => void): Promise<EndpointStand> {
  seen = [];
  stand = await new EndpointStand((socket) => {
    const number = stand.lines.indexOf(socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const [line] = text.split(' HTTP/1.1', 1);
        const body = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? '0';
        text = text.slice(end + 4 + Number(body));
        seen.push(`${number} ${line}`);
        onRequest(socket, line);
      }
    });
  }).open();
  return stand;
}

/** Asks over one kept connection of the client, and waits for the whole answer. */
async function ask(client: ReturnType<EndpointStand['client']>, request: string, answers = 'ok'): Promise<string> {
  client.received = '';
  client.send(request);
  return client.until(answers);
}

const idle = () => until('the connection to be quiet', async () => {
  await new Promise((resolve) => setTimeout(resolve, 10));
  return true;
});

test('requests that follow each other go over one connection', async () => {
  await standWith((socket) => void socket.write(OK));
  const client = stand.client();
  for (const path of ['/a', '/b', '/c']) {
    await ask(client, head('GET', path));
    await idle();
  }
  expect(seen).toEqual(['0 GET /a', '0 GET /b', '0 GET /c']);
});

test('a connection that serves many requests gathers nothing', async () => {
  await standWith((socket) => void socket.write(OK));
  const client = stand.client();
  const listeners = () => {
    const [line] = stand.tracked;
    return line.eventNames().reduce((sum, name) => sum + line.listenerCount(name), 0);
  };
  const counts: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await ask(client, head('GET', '/'));
    await idle();
    counts.push(listeners());
  }
  expect(stand.lines).toHaveLength(1);
  expect(new Set(counts).size).toBe(1);
});

test('requests that go on at the same time have connections of their own, and only one is kept', async () => {
  const waiting: Socket[] = [];
  await standWith((socket) => void waiting.push(socket));
  const clients = [stand.client(), stand.client()];
  for (const client of clients) client.send(head('GET', '/'));
  await until('both requests', () => waiting.length === 2);
  waiting[0].write(OK);
  // A guest that serves one connection after the other gets to the second one.
  await until('the end of the first', () => stand.lines[0].destroyed || stand.lines[0].readableEnded);
  waiting[1].write(OK);
  await Promise.all(clients.map((client) => client.until('ok')));
  await idle();
  expect(stand.lines[1].readableEnded).toBe(false);
});

test.each([
  ['POST', POST, 'hi'], ['PUT', POST, 'hi'], ['GET', POST, 'hi'], ['DELETE', {}, ''],
])('%s that must not happen twice takes a new connection, and the kept one is closed before', async (method, headers, body) => {
  await standWith((socket) => void socket.write(OK));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  await ask(client, head(method, '/change', headers) + body);
  expect(seen).toEqual(['0 GET /', `1 ${method} /change`]);
  await until('the end of the kept one', () => stand.lines[0].readableEnded);
});

test('a WebSocket has a new connection', async () => {
  await standWith((socket, line) => void socket.write(line === 'GET /' ? OK : 'HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno'));
  await ask(stand.client(), head('GET', '/'));
  await idle();
  await stand.client().send(head('GET', '/socket', HANDSHAKE)).until('no');
  expect(seen).toEqual(['0 GET /', '1 GET /socket']);
});

test('a connection that the guest closed between two requests is not used', async () => {
  await standWith((socket) => void socket.write(OK));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  stand.lines[0].end();
  await until('its end', () => stand.lines[0].destroyed);
  expect(await ask(client, head('GET', '/'))).toMatch(/^HTTP\/1\.1 200/);
  expect(seen).toEqual(['0 GET /', '1 GET /']);
});

test.each([
  ['closes', (socket: Socket) => void socket.end()], ['resets', (socket: Socket) => void socket.resetAndDestroy()],
])('a kept connection that the guest %s when the request comes is no 502', async (_, leave) => {
  await standWith((socket) => (seen.length === 2 ? leave(socket) : void socket.write(OK)));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  expect(await ask(client, head('GET', '/again'))).toMatch(/^HTTP\/1\.1 200/);
  expect(seen).toEqual(['0 GET /', '0 GET /again', '1 GET /again']);
});

test('fails with 502 if the guest closes the new connection, too', async () => {
  await standWith((socket) => (seen.length === 1 ? void socket.write(OK) : void socket.end()));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  expect(await ask(client, head('GET', '/again'), '\r\n\r\n')).toMatch(/^HTTP\/1\.1 502/);
  expect(seen).toHaveLength(3);
});

test('an answer that broke off is not asked for again', async () => {
  await standWith((socket) => void (seen.length === 1 ? socket.write(OK) : socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  client.send(head('GET', '/again'));
  await client.closed;
  expect(seen).toHaveLength(2);
});

test('bytes that nobody asked for close a kept connection, and are part of no answer', async () => {
  await standWith((socket) => void socket.write(OK));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  stand.lines[0].write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged');
  await until('the end of the connection', () => stand.lines[0].destroyed);
  expect(await ask(client, head('GET', '/'))).not.toContain('forged');
  expect(stand.lines).toHaveLength(2);
});

test('a suspend cuts kept connections, and what was on its way over one is not sent again', async () => {
  await standWith((socket) => (seen.length === 1 ? void socket.write(OK) : undefined));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await idle();
  client.send(head('GET', '/held'));
  await until('the request', () => seen.length === 2);
  stand.cut();
  await client.until('502');
  expect(seen).toEqual(['0 GET /', '0 GET /held']);
});

test('an idle connection is cut by a suspend', async () => {
  await standWith((socket) => void socket.write(OK));
  await ask(stand.client(), head('GET', '/'));
  await idle();
  expect(stand.lines[0].readableEnded).toBe(false);
  stand.cut();
  await until('its end', () => stand.lines[0].destroyed);
});

test('a connection that nobody uses is closed', async () => {
  await standWith((socket) => void socket.write(OK));
  await ask(stand.client(), head('GET', '/'));
  await until('its end', () => stand.lines[0].destroyed);
});

test('a guest that closes after its answer is taken at its word', async () => {
  await standWith((socket) => void socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'));
  const client = stand.client();
  await ask(client, head('GET', '/'));
  await ask(client, head('GET', '/'));
  expect(seen).toEqual(['0 GET /', '1 GET /']);
});

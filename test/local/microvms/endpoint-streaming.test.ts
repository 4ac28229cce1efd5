import type { Socket } from 'node:net';
import { EndpointStand, head, until } from './endpoint-stand';

let stand: EndpointStand;
afterEach(() => stand.close());

/** A guest that answers with `answer` once it has read the head of a request. */
async function standAnswering(answer: string | Buffer): Promise<EndpointStand> {
  stand = await new EndpointStand((socket) => {
    socket.once('data', () => socket.end(answer));
  }).open();
  return stand;
}

/** A guest that gives out what it reads. */
async function standReading(onGuest: (socket: Socket) => void = () => undefined) {
  const read = { text: '' };
  stand = await new EndpointStand((socket) => {
    socket.on('data', (chunk) => void (read.text += chunk.toString('latin1')));
    onGuest(socket);
  }).open();
  return read;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('a chunk reaches the guest before the next one is sent, and the client likewise', async () => {
  const read = await standReading((socket) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n'));
  const client = stand.client().send(`${head('POST', '/', { 'transfer-encoding': 'chunked' })}3\r\none\r\n`);
  await until('the first chunk', () => read.text.includes('3\r\none\r\n'));
  await client.until('3\r\none\r\n');
  client.send('3\r\ntwo\r\n');
  await until('the second chunk', () => read.text.includes('3\r\ntwo\r\n'));
  stand.lines[0].write('3\r\ntwo\r\n');
  await client.until('3\r\ntwo\r\n');
  expect(stand.touches).toBeGreaterThanOrEqual(4);
});

test('a client that does not read holds the guest back', async () => {
  let sent = 0;
  stand = await new EndpointStand((socket) => {
    const chunk = Buffer.alloc(256 * 1024);
    const pump = (): void => {
      do sent += chunk.length; while (sent < 300 * 2 ** 20 && socket.write(chunk));
    };
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.on('drain', pump).once('data', pump);
  }).open();
  const client = stand.client();
  client.socket.pause();
  client.send(head('GET', '/'));
  await until('the guest to begin', () => sent > 0);
  const before = await settled(() => sent);
  expect(before).toBeLessThan(64 * 2 ** 20);
  client.socket.removeAllListeners('data').resume();
  await until('the guest to go on', () => sent > before);
});

test('a guest that does not read holds the client back', async () => {
  let sent = 0;
  stand = await new EndpointStand((socket) => void socket.pause()).open();
  const { socket } = stand.client().send(head('POST', '/', { 'content-length': String(300 * 2 ** 20) }));
  const chunk = Buffer.alloc(256 * 1024);
  const pump = (): void => {
    do sent += chunk.length; while (sent < 300 * 2 ** 20 && socket.write(chunk));
  };
  socket.on('drain', pump);
  pump();
  const before = await settled(() => sent);
  expect(before).toBeLessThan(64 * 2 ** 20);
  stand.lines[0].resume();
  await until('the client to go on', () => sent > before);
});

test('trailers pass in both directions', async () => {
  const read = await standReading((socket) => {
    socket.on('data', (chunk) => {
      if (!String(chunk).includes('x-sum')) return;
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-status: 0\r\nX-Status: again\r\ntransfer-encoding: gzip\r\n\r\n');
    });
  });
  const client = stand.client().send(`${head('POST', '/', { 'transfer-encoding': 'chunked', 'te': 'trailers' })}2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n`);
  expect((await client.until('again')).split('ok\r\n')[1]).toBe('0\r\nx-status: 0\r\nX-Status: again\r\n\r\n');
  expect(read.text).toContain('te: trailers');
  expect(read.text).toMatch(/2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n$/);
});

test('an answer that comes before the body was read reaches a client that is still sending', async () => {
  await standAnswering('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge');
  const client = stand.client().send(head('POST', '/', { 'content-length': String(20 * 2 ** 20) }));
  await client.until('large');
  // The rest is taken and dropped.
  let sent = false;
  client.socket.write(Buffer.alloc(20 * 2 ** 20, 'a'), (error) => void (sent = !error));
  await until('the rest', () => sent);
  await client.closed;
  expect(client.received).toMatch(/^HTTP\/1.1 413 [^]*\r\nconnection: close\r\n[^]*\r\nlarge$/i);
});

test('a request with neither body nor length has none at the guest either', async () => {
  const read = await standReading((socket) => socket.once('data', () => socket.end(OK)));
  await stand.client().send(head('POST', '/empty')).until('ok');
  expect(read.text).toContain('content-length: 0\r\n');
  expect(read.text).not.toContain('transfer-encoding');
  await stand.client().send(head('GET', '/get')).until('ok');
  expect(read.text.split('GET /get')[1]).not.toMatch(/content-length|transfer-encoding/);
});

test('the answer to HEAD keeps its length and has no body', async () => {
  await standAnswering('HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n');
  const client = stand.client().send(head('HEAD', '/'));
  await client.until('content-length: 5000');
  client.send(head('HEAD', '/'));
  await until('the next answer', () => client.received.split('200 OK').length === 3);
});

test('a client that leaves takes its request to the guest with it', async () => {
  const read = await standReading();
  const client = stand.client().send(head('GET', '/'));
  await until('the request', () => read.text !== '');
  const gone = new Promise((resolve) => stand.lines[0].once('close', resolve));
  client.socket.destroy();
  await gone;
});

test('a client that leaves while its request is held never reaches the guest', async () => {
  await standReading();
  let wake = (): void => undefined;
  stand.awake = new Promise((resolve) => void (wake = resolve));
  const client = stand.client().send(head('GET', '/'));
  await until('the connection', () => stand.connections === 1);
  client.socket.destroy();
  await until('no connection', () => stand.connections === 0);
  wake();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stand.lines.filter(({ destroyed }) => !destroyed)).toEqual([]);
});

test('a suspend in the middle of an answer breaks it off at the client', async () => {
  await standReading((socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'));
  const client = stand.client().send(head('GET', '/'));
  await client.until('half');
  stand.cut();
  await client.closed;
});

test('a suspend that begins while the guest is dialled is noticed', async () => {
  await standReading((socket) => socket.once('data', () => socket.end(OK)));
  // SUSPENDED at the first look and RUNNING at the next, as after an auto-resume.
  let looks = 0;
  Object.defineProperty(stand, 'state', { get: () => (++looks === 1 ? 'SUSPENDING' : 'RUNNING') });
  await stand.client().send(head('GET', '/')).until('ok');
  expect(stand.lines).toHaveLength(2);
});

/** The value that `read` has once it stays the same for a while. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1, same = 0; ; before = read()) {
    same = before === read() ? same + 1 : 0;
    if (same === 10) return before;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

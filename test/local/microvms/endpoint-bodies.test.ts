import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { EndpointStand, HANDSHAKE, head, until } from './endpoint-stand';

let stand: EndpointStand;
afterEach(() => stand.close());

const BODY = randomBytes(3 * 2 ** 20);
/** More than the buffers of all connections on the way hold. */
const HUGE = Buffer.concat(Array.from({ length: 8 }, () => BODY));
const CHUNKED = { 'transfer-encoding': 'chunked' };
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A guest that gives out what it reads and answers once that ends with `end`. */
async function standReading(end: Buffer): Promise<{ bytes(): Buffer }> {
  const read: Buffer[] = [];
  stand = await new EndpointStand((socket) => socket.on('data', (chunk: Buffer) => {
    read.push(chunk);
    if (Buffer.concat(read.slice(-end.length)).subarray(-end.length).equals(end)) socket.write(OK);
  })).open();
  return { bytes: () => Buffer.concat(read) };
}

/** A guest that answers with these bytes to each request. */
async function standAnswering(...answer: readonly (string | Buffer)[]): Promise<void> {
  stand = await new EndpointStand((socket) => void socket.on('data', () => {
    for (const part of answer) socket.write(part);
  })).open();
}

/** The bytes in chunks of odd sizes. */
function chunked(bytes: Buffer, extension = ''): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 3 + 1, 100_003)) {
    const part = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}${extension}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** The data of a chunked message. */
function unchunked(message: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = message.indexOf('\r\n\r\n') + 4;
  for (;;) {
    const line = message.indexOf('\r\n', at);
    const size = Number.parseInt(message.toString('latin1', at, line), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(message.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

/** In pieces, each on its way before the next one. */
async function sendSlowly(socket: Socket, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length];
    await new Promise((resolve) => socket.write(bytes.subarray(at, at + size), resolve));
    at += size;
  }
}

/** Reads one chunk a millisecond. */
function slowClient(port: number, request: string): { socket: Socket; received: Buffer[] } {
  const received: Buffer[] = [];
  const socket = connect(port, '127.0.0.1');
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  socket.write(request);
  return { socket, received };
}

const lastOf = (bytes: Buffer): Buffer => bytes.subarray(-16);

describe('a long body to the guest', () => {
  test('with a length arrives byte for byte, and ends its connection', async () => {
    const read = await standReading(lastOf(BODY));
    const client = stand.client().send(Buffer.concat([Buffer.from(head('PUT', '/', { 'content-length': String(BODY.length) })), BODY]));
    await client.closed;
    expect(read.bytes().subarray(-BODY.length).equals(BODY)).toBe(true);
    expect(read.bytes().toString('latin1', 0, 200)).toContain(`content-length: ${BODY.length}\r\n`);
    expect(client.received).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*connection: close\r\n[^]*\r\nok$/i);
  });

  test.each([
    ['a few bytes', [1, 2, 3, 5, 70_001]],
    ['whole buffers', [300_000]],
  ])('in chunks, sent in pieces of %s, arrives byte for byte, and its connection goes on', async (_, sizes) => {
    const read = await standReading(Buffer.from('\r\n0\r\n\r\n'));
    const client = stand.client();
    await sendSlowly(client.socket, Buffer.concat([Buffer.from(head('POST', '/', CHUNKED)), chunked(BODY, ';x=1')]), sizes);
    await client.until('ok');
    expect(unchunked(read.bytes()).equals(BODY)).toBe(true);
    expect(read.bytes().includes(';x=1')).toBe(false);
    expect(client.received).not.toMatch(/connection: close/i);
    client.send(`${head('POST', '/', CHUNKED)}3\r\none\r\n0\r\n\r\n`);
    await until('the second answer', () => client.received.split('ok').length === 3);
  });

  test('may be followed by the next request at once', async () => {
    await standReading(Buffer.from('\r\n0\r\n\r\n'));
    const request = `${head('POST', '/', CHUNKED)}3\r\none\r\n0\r\n\r\n`;
    const client = stand.client().send(request + request);
    await until('both answers', () => client.received.split('ok').length === 3);
  });

  test('may begin in the middle of a line end', async () => {
    const read = await standReading(Buffer.from('\r\n0\r\n\r\n'));
    const request = `${head('POST', '/', CHUNKED)}3\r\none\r\n0\r\n\r\n`;
    const middle = request.indexOf('\r\n\r\n') + 1;
    const client = stand.client().send(request.slice(0, middle));
    await until('the first half', () => client.socket.bytesWritten === middle);
    client.send(request.slice(middle));
    await client.until('ok');
    expect(unchunked(read.bytes()).toString()).toBe('one');
  });

  test('fails with a broken chunk: both connections close, and the guest gets nothing of it', async () => {
    const read = await standReading(Buffer.from('never'));
    const client = stand.client().send(`${head('POST', '/', CHUNKED)}3\r\none\r\n`);
    await until('the first chunk', () => read.bytes().includes('one'));
    const gone = new Promise((resolve) => stand.lines[0].once('close', resolve));
    client.send('zz\r\ntwo\r\n');
    await Promise.all([client.closed, gone]);
    expect(read.bytes().includes('two')).toBe(false);
  });

  test('of a client that leaves in the middle breaks off at the guest', async () => {
    const read = await standReading(Buffer.from('never'));
    const client = stand.client().send(head('PUT', '/', { 'content-length': String(BODY.length) })).send(BODY.subarray(0, 2 ** 20));
    await until('a part', () => read.bytes().length > 2 ** 19);
    const gone = new Promise((resolve) => stand.lines[0].once('close', resolve));
    client.socket.destroy();
    await gone;
    expect(read.bytes().length).toBeLessThan(BODY.length);
  });
});

describe('a long body from the guest', () => {
  test('with a length arrives byte for byte, and the client\'s connection goes on', async () => {
    await standAnswering(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`, BODY);
    const client = stand.client().send(head('GET', '/'));
    await client.until(BODY.toString('latin1', BODY.length - 16));
    expect(client.received.slice(-BODY.length) === BODY.toString('latin1')).toBe(true);
    const first = client.received.length;
    client.send(head('GET', '/'));
    await until('the second body', () => client.received.length === 2 * first);
  });

  test('in chunks arrives byte for byte, without their extensions', async () => {
    await standAnswering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', chunked(BODY, ';x=1'));
    const client = stand.client().send(head('GET', '/'));
    await client.until('\r\n0\r\n\r\n');
    expect(unchunked(Buffer.from(client.received, 'latin1')).equals(BODY)).toBe(true);
    expect(client.received).not.toContain(';x=1\r\n');
  });

  test('in chunks reaches a client of HTTP/1.0 without them', async () => {
    await standAnswering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n');
    const client = stand.client().send('GET / HTTP/1.0\r\nhost: stand\r\n\r\n');
    await client.closed;
    expect(client.received).toMatch(/\r\n\r\nonetwo$/);
  });

  test.each([
    ['in chunks', 'transfer-encoding: chunked\r\n', chunked(HUGE)],
    ['with a length', `content-length: ${HUGE.length}\r\n`, HUGE],
    ['that ends with its connection', '', HUGE],
  ])('%s reaches a slow client whole, although the guest has hung up', async (_, header, body) => {
    stand = await new EndpointStand((socket) => void socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n`);
      socket.end(body);
    })).open();
    const { socket, received } = slowClient(stand.port, head('GET', '/', { connection: 'close' }));
    await new Promise((resolve) => socket.once('close', resolve));
    const message = Buffer.concat(received);
    const isChunked = /transfer-encoding: chunked/i.test(message.toString('latin1', 0, 300));
    const sent = isChunked ? unchunked(message) : message.subarray(message.indexOf('\r\n\r\n') + 4);
    expect(sent.equals(HUGE)).toBe(true);
  });

  test('that breaks off breaks off at the client', async () => {
    stand = await new EndpointStand((socket) => void socket.once('data', () => {
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${'a'.repeat(2 ** 20)}`);
    })).open();
    const client = stand.client().send(head('GET', '/'));
    await client.closed;
    expect(client.received.length).toBeGreaterThan(2 ** 20);
    expect(client.received.length).toBeLessThan(BODY.length);
  });

  test('is not waited for after the answer to HEAD', async () => {
    await standAnswering(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`);
    const client = stand.client().send(head('HEAD', '/'));
    await client.until('\r\n\r\n');
    client.send(head('HEAD', '/'));
    await until('the next answer', () => client.received.split('200 OK').length === 3);
  });
});

test('the last bytes of a WebSocket reach a slow client, although the guest has hung up', async () => {
  stand = await new EndpointStand((socket) => void socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.end(Buffer.concat([HUGE, Buffer.from('the end')]));
  })).open();
  const { socket, received } = slowClient(stand.port, head('GET', '/', HANDSHAKE));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(Buffer.concat(received).subarray(-7).toString()).toBe('the end');
});

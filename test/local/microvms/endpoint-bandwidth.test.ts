import { EndpointStand, HANDSHAKE, head, until } from './endpoint-stand';

let stand: EndpointStand;
afterEach(() => stand.close());

const DOWNLOAD = 3_000_000;

/** A guest that answers GET with a download, and POST once the whole body is there. */
async function standWith(memoryMib: number, bandwidth = true): Promise<EndpointStand> {
  stand = await new EndpointStand((socket) => {
    let read = 0;
    socket.on('data', (chunk) => {
      if (String(chunk.subarray(0, 4)) === 'GET ') {
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${DOWNLOAD}\r\n\r\n`), Buffer.alloc(DOWNLOAD, 'x')]));
        return;
      }
      read += chunk.length;
      if (read > DOWNLOAD) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone');
    });
  }, { bandwidth, memoryMib }).open();
  return stand;
}

/** How many seconds of the cloud's clock it takes until `done`. */
async function seconds(done: () => boolean): Promise<number> {
  const begin = stand.clock.now();
  while (!done()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await stand.clock.advance({ ms: 20 });
  }
  return (stand.clock.now() - begin) / 1000;
}

test('a download is as fast as the microVM\'s size allows, after a second\'s worth at once', async () => {
  await standWith(512);
  const client = stand.client().send(head('GET', '/'));
  const took = await seconds(() => client.received.length > DOWNLOAD);
  expect(took).toBeGreaterThan(1.8);
  expect(took).toBeLessThan(3.5);
});

test('an upload likewise, and a larger microVM is faster', async () => {
  await standWith(1024);
  const client = stand.client().send(head('POST', '/', { 'content-length': String(DOWNLOAD) })).send(Buffer.alloc(DOWNLOAD));
  const took = await seconds(() => client.received.includes('done'));
  expect(took).toBeGreaterThan(0.4);
  expect(took).toBeLessThan(1.5);
});

test('both directions and all connections share one bucket', async () => {
  await standWith(1024);
  const clients = [head('GET', '/'), head('GET', '/')].map((request) => stand.client().send(request));
  const took = await seconds(() => clients.every(({ received }) => received.length > DOWNLOAD));
  expect(took).toBeGreaterThan(1.8);
});

test('nothing is held back without the option', async () => {
  await standWith(512, false);
  const client = stand.client().send(head('GET', '/'));
  await until('the download', () => client.received.length > DOWNLOAD);
});

test('no more connections than the size allows are open at once; the others wait for their turn', async () => {
  stand = await new EndpointStand((socket) => socket.resume(), { bandwidth: true, memoryMib: 512 }).open();
  const clients = Array.from({ length: 10 }, (_, index) => stand.client().send(head('GET', `/${index}`, index % 2 ? HANDSHAKE : {})));
  await until('eight connections', () => stand.lines.length === 8);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stand.lines).toHaveLength(8);
  // One that gives up while it waits takes nobody's place.
  clients[8].socket.destroy();
  await until('it to be gone', () => stand.connections === 9);
  stand.lines[0].end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  await until('the tenth connection', () => stand.lines.length === 9);
  for (const client of clients) client.socket.destroy();
  await until('no connection', () => stand.lines.every(({ destroyed }) => destroyed));
  // Each place was given back once.
  for (let index = 0; index < 9; index += 1) stand.client().send(head('GET', '/'));
  await until('eight more', () => stand.lines.length === 17);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stand.lines).toHaveLength(17);
});

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Conduit } from '../../../local/src/conduit/conduit';

let server: Server;
let peer: Socket;
let conduit: Conduit;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  peer = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  const [socket] = await accepted as [Socket];
  conduit = new Conduit(socket).on('error', () => undefined);
});
afterEach(async () => {
  peer.destroy();
  conduit.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('bytes pass in both directions, and so does the end', async () => {
  conduit.resume().on('data', (bytes) => conduit.write(bytes));
  conduit.once('end', () => conduit.end('bye'));
  peer.end('hello');
  const back: Buffer[] = [];
  for await (const chunk of peer) back.push(chunk as Buffer);
  expect(Buffer.concat(back).toString()).toBe('hellobye');
});

test('bytes from before the end wait for whoever reads them, although the socket is gone', async () => {
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const late = new Conduit(socket);
  const [other] = await accepted as [Socket];
  other.end('late');
  await once(other, 'close');
  await new Promise((resolve) => setImmediate(resolve));
  const read: Buffer[] = [];
  for await (const chunk of late) read.push(chunk as Buffer);
  expect(Buffer.concat(read).toString()).toBe('late');
});

test('a broken socket breaks it', async () => {
  const closed = new Promise((resolve) => conduit.once('close', resolve));
  peer.resetAndDestroy();
  await closed;
  expect(conduit.destroyed).toBe(true);
});

test('what is read by nobody holds the peer back', async () => {
  const chunk = Buffer.alloc(2 ** 20);
  for (let index = 0; index < 100; index += 1) peer.write(chunk);
  await once(conduit, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(conduit.readableLength).toBeLessThan(2 ** 18);
  expect(peer.writableLength).toBeGreaterThan(50 * 2 ** 20);
});

test('idleness is told', async () => {
  const told = new Promise<void>((resolve) => conduit.setTimeout(5, resolve));
  await told;
});

test('the owner of a socket that is gone gets a destroyed one', () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.destroy();
  expect(new Conduit(socket).destroyed).toBe(true);
});

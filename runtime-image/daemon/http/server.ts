import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ErrorAnswer } from '../../../client/src/protocol/daemon';
import type { Address } from '../settings';

/** An HTTP/1.1 server that answers whatever bytes it is sent, and goes on. */
export function hardenedServer(listener: RequestListener, maxConnections: number): Server {
  const server = createServer({
    // An upload may take as long as it takes.
    requestTimeout: 0,
    headersTimeout: 60_000,
    // Longer than proxies keep a pooled connection, so that it is not closed under a request.
    keepAliveTimeout: 120_000,
  }, listener);
  server.maxConnections = maxConnections;
  server.on('clientError', (_error, socket) => refuseGarbage(socket as Socket));
  return server;
}

export async function listen(server: Server, address: Address): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

export async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Not HTTP: the platform itself opens ports with a TLS handshake. */
function refuseGarbage(socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const answer: ErrorAnswer = { error: { code: 'invalid_argument', message: 'this is not an HTTP/1.1 request', retryable: false } };
  const body = JSON.stringify(answer);
  const head = ['HTTP/1.1 400 Bad Request', 'content-type: application/json', `content-length: ${body.length}`, 'connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

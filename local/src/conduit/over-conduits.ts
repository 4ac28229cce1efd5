import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Conduit } from './conduit';

/** Puts a conduit between the server and each of its connections. Node serves any stream that it is handed as a connection. */
export function overConduits(server: Server): Server {
  const [serve] = server.listeners('connection') as ((connection: Conduit) => void)[];
  return server.off('connection', serve).on('connection', (socket: Socket) => serve.call(server, new Conduit(socket)));
}

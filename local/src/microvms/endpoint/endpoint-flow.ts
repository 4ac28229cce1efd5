import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Lease } from './endpoint-links';
import { Conduit } from '../../conduit/conduit';

type Outgoing = ClientRequest | ServerResponse;

/** So many bytes of a side that is slower than the other one wait here. */
const MAX_AHEAD_BYTES = 512 * 1024;

/** To be called when the request comes: its body may pass by Node's streams, and somebody passes it on or the response closes. */
export function offerRequestBody(request: IncomingMessage, response: ServerResponse): void {
  const conduit: Duplex = request.socket;
  if (!(conduit instanceof Conduit)) return;
  if (conduit.offerBody(request)) response.shouldKeepAlive = false;
  response.once('close', () => conduit.passBody(request, 'nowhere'));
}

/** To be called when the answer comes. The body may go to the client with the framing that it has. */
export function offerAnswerBody(answer: IncomingMessage, response: ServerResponse): void {
  const conduit: Duplex = answer.socket;
  const client: Duplex | null = response.socket;
  const knowsChunks = response.req.httpVersion === '1.1';
  if (conduit instanceof Conduit && client instanceof Conduit && knowsChunks) conduit.offerBody(answer);
}

/** Passes a body on as it comes, as fast as `to` takes it, and ends `to` after it. */
export function flow(from: IncomingMessage, to: Outgoing, lease: Lease, onBytes: () => void): void {
  const conduit: Duplex = from.socket;
  if (conduit instanceof Conduit && conduit.hasBody(from)) {
    from.once('end', () => to.end()).resume();
    return passBody(conduit, from, to, onBytes);
  }
  from.on('data', onBytes);
  const throttles = lease.throttles();
  if (throttles.length > 0) {
    throttles.reduce((bytes: NodeJS.ReadableStream, throttle) => bytes.pipe(throttle), from).pipe(to);
    return;
  }
  // A pipe would wait after each chunk.
  const onData = (chunk: Buffer): void => {
    if (to.write(chunk) || to.writableLength < MAX_AHEAD_BYTES) return;
    from.pause();
    to.once('drain', () => from.resume());
  };
  from.on('data', onData).once('end', () => to.end());
  to.once('close', () => from.off('data', onData).resume());
}

function passBody(conduit: Conduit, from: IncomingMessage, to: Outgoing, onBytes: () => void): void {
  // A request to a guest gets its connection in the next turn, and its head is on its way after that.
  if (!to.socket) return void to.once('socket', () => process.nextTick(() => passBody(conduit, from, to, onBytes)));
  to.flushHeaders();
  // Bodies are only offered where both sides have conduits.
  conduit.passBody(from, { to: to.socket as Duplex as Conduit, onBytes, onEnd: () => to.end() });
}

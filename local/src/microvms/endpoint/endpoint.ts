import { type ClientRequest, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { type Access, type EndpointAccess, Refusal } from './endpoint-access';
import { flow, offerAnswerBody, offerRequestBody } from './endpoint-flow';
import { endToEnd, guestHeaders, lingerThenClose, plainHeaders, rawHead, refuse, refuseUpgrade, trailersOf } from './endpoint-head';
import { type Line, Lines } from './endpoint-lines';
import { Links } from './endpoint-links';
import { proxyProtocols, withProtocol } from './endpoint-protocols';
import { openTunnel } from './endpoint-tunnel';
import type { Clock } from '../../clock';
import type { MicrovmFaults } from '../../faults/microvm-faults';

export interface EndpointOptions {
  readonly access: Pick<EndpointAccess, 'check' | 'checkUpgrade'>;
  readonly clock: Clock;
  readonly faults: MicrovmFaults;
  /** Keep to the bandwidth and the connections of each microVM's size. */
  readonly bandwidth: boolean;
}

/** The proxy in front of the microVMs' endpoints. Bytes stream through in both directions and are not kept. */
export class Endpoint {
  readonly #lines: Lines;

  constructor(private readonly options: EndpointOptions) {
    this.#lines = new Lines(new Links(options.clock, options.bandwidth), options.faults);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    if (!this.options.bandwidth) offerRequestBody(request, response);
    try {
      await this.#exchange(this.options.access.check(request), request, response);
    } catch (error) {
      refuse(response, error);
    }
  }

  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const stopWatching = watchForEnd(socket);
    try {
      const access = this.options.access.checkUpgrade(request);
      assertHandshake(request);
      const line = await this.#lines.open(access, { hasLeft: () => socket.destroyed, repeatable: false });
      const upstream = start(line, request, guestHeaders(request, hostOf(request)));
      upstream.once('upgrade', (answer, guest, guestHead) => {
        const opening = rawHead(answer, withProtocol(answer, proxyProtocols(request.headers)));
        if (opening === undefined) {
          guest.destroy();
          return refuseUpgrade(socket, new Refusal(502));
        }
        stopWatching();
        socket.write(opening, 'latin1');
        if (guestHead.length > 0) guest.unshift(guestHead);
        if (head.length > 0) socket.unshift(head);
        openTunnel({ ...line, client: socket, guest, clock: this.options.clock, onBytes: () => line.microvm.touch() });
      });
      upstream.once('response', (answer) => passRefusal(line, upstream, answer, socket));
      upstream.on('error', () => (socket.writableEnded ? undefined : refuseUpgrade(socket, new Refusal(502))));
      socket.once('close', () => upstream.destroy());
      upstream.end();
    } catch (error) {
      refuseUpgrade(socket, error);
    }
  }

  /** Passes the request to the guest and its answer back. */
  async #exchange(
    access: Access,
    request: IncomingMessage,
    response: ServerResponse,
    repeatable = isRepeatable(request),
  ): Promise<void> {
    const line = await this.#lines.open(access, { hasLeft: () => response.destroyed, repeatable });
    const upstream = start(line, request, plainHeaders(request, hostOf(request)));
    const leave = (): void => void upstream.destroy();
    let answered = false;
    upstream.once('response', (answer) => {
      answered = true;
      if (!this.options.bandwidth) offerAnswerBody(answer, response);
      passAnswer(line, upstream, answer, response);
    });
    // An upgrade that nobody asked for.
    upstream.once('upgrade', (_, guest) => {
      guest.destroy();
      refuse(response, new Refusal(502));
    });
    upstream.on('error', () => {
      // The guest closed a kept connection when the request was on its way. A new connection tells whether it serves.
      const again = repeatable && line.kept && line.hungUp() && !answered && !response.destroyed;
      if (!again) return refuse(response, new Refusal(502));
      response.off('close', leave);
      this.#exchange(access, request, response, false).catch((error: unknown) => refuse(response, error));
    });
    response.once('close', leave);
    passBody(line, request, upstream);
  }
}

/** Opens the request to the guest. */
function start({ connection }: Line, request: IncomingMessage, headers: string[]): ClientRequest {
  const { method, url: path, headers: { upgrade } } = request;
  try {
    const upstream = send({ createConnection: () => connection, method, path, headers, setHost: false });
    // Without an agent Node takes each connection for the last one's, whatever the headers say. An upgrade is the last one.
    upstream.shouldKeepAlive = upgrade === undefined;
    return upstream;
  } catch {
    connection.destroy();
    throw new Refusal(400);
  }
}

/** From the client to the guest, as fast as the guest takes it. */
function passBody({ microvm, lease }: Line, request: IncomingMessage, upstream: ClientRequest): void {
  if (!hasBody(request)) {
    request.resume();
    upstream.end();
    return;
  }
  request.once('end', () => attempt(() => upstream.addTrailers(trailersOf(request)), () => upstream.destroy()));
  // The guest sees the head before there is a body.
  upstream.flushHeaders();
  flow(request, upstream, lease, () => microvm.touch());
  // The guest may answer before it has read all. The rest is dropped, so that the client gets to read the answer.
  upstream.once('close', () => {
    request.unpipe();
    request.resume();
  });
}

/** From the guest to the client, as fast as the client takes it. */
function passAnswer(line: Line, upstream: ClientRequest, answer: IncomingMessage, response: ServerResponse): void {
  const { microvm, lease } = line;
  const giveUp = (): void => {
    upstream.destroy();
    refuse(response, new Refusal(502));
  };
  // The guest may put into its head what no server may send.
  const { statusCode = 502, statusMessage, rawHeaders } = answer;
  if (!attempt(() => response.writeHead(statusCode, statusMessage, endToEnd(rawHeaders)), giveUp)) return;
  // Together with the first bytes of the body, if they came with the head.
  setImmediate(() => (response.writableEnded || response.destroyed ? undefined : response.flushHeaders()));
  answer.once('end', () => attempt(() => response.addTrailers(trailersOf(answer)), () => response.destroy()));
  answer.on('error', () => (response.writableEnded ? undefined : response.destroy()));
  // Where the bytes of the body go is known when all that came with the head is read.
  process.nextTick(() => flow(answer, response, lease, () => microvm.touch()));
}

/** The guest answers an upgrade with something else. */
function passRefusal({ microvm }: Line, upstream: ClientRequest, answer: IncomingMessage, socket: Duplex): void {
  const opening = rawHead(answer, [...endToEnd(answer.rawHeaders), 'connection', 'close']);
  if (opening === undefined) {
    upstream.destroy();
    return refuseUpgrade(socket, new Refusal(502));
  }
  socket.write(opening, 'latin1');
  answer.on('data', () => microvm.touch());
  pipeline(answer, socket, () => {
    upstream.destroy();
    lingerThenClose(socket);
  });
}

/** Closes a connection whose client leaves, although nobody reads from it yet. What it sends stays unread. */
function watchForEnd(socket: Duplex): () => void {
  const onReadable = (): void => {
    if (socket.readableLength === 0) socket.read();
  };
  const onEnd = (): void => void socket.destroy();
  socket.on('readable', onReadable).once('end', onEnd);
  return () => socket.off('readable', onReadable).off('end', onEnd);
}

/** The only upgrade that the endpoint knows is a WebSocket's, and that has no body. */
function assertHandshake({ method, headers }: IncomingMessage): void {
  const key = headers['sec-websocket-key'] ?? '';
  const fits = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^[A-Za-z0-9+/]{22}==$/.test(key);
  const body = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  if (!fits || body) throw new Refusal(400);
}

function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

/** A request that changes nothing, however often the guest gets it. */
function isRepeatable(request: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '') && !hasBody(request);
}

/** False if `action` threw, which hostile input makes Node's HTTP do. */
function attempt(action: () => void, otherwise: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    otherwise();
    return false;
  }
}

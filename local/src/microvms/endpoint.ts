import { type ClientRequest, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { Clock } from '../clock';
import { type Access, type EndpointAccess, type ReachableMicrovm, Refusal } from './endpoint-access';
import { endToEnd, guestHeaders, lingerThenClose, plainHeaders, rawHead, refuse, refuseUpgrade, trailersOf } from './endpoint-head';
import { type Lease, Links } from './endpoint-links';
import { proxyProtocols, withProtocol } from './endpoint-protocols';
import { openTunnel } from './endpoint-tunnel';
import type { MicrovmFaults } from '../faults/microvm-faults';

export interface EndpointOptions {
  readonly access: Pick<EndpointAccess, 'check' | 'checkUpgrade'>;
  readonly clock: Clock;
  readonly faults: MicrovmFaults;
  /** Keep to the bandwidth and the connections of each microVM's size. */
  readonly bandwidth: boolean;
}

/** A connection to the guest, for one request. */
interface Line {
  readonly microvm: ReachableMicrovm;
  readonly connection: Socket;
  readonly lease: Lease;
}

/** The proxy in front of the microVMs' endpoints. Bytes stream through in both directions and are not kept. */
export class Endpoint {
  readonly #links: Links;

  constructor(private readonly options: EndpointOptions) {
    this.#links = new Links(options.clock, options.bandwidth);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    try {
      const line = await this.#open(this.options.access.check(request), () => response.destroyed);
      const upstream = start(line, request, plainHeaders(request, hostOf(request)));
      upstream.once('response', (answer) => passAnswer(line, upstream, answer, response));
      // An upgrade that nobody asked for.
      upstream.once('upgrade', (_, guest) => {
        guest.destroy();
        refuse(response, new Refusal(502));
      });
      upstream.on('error', () => refuse(response, new Refusal(502)));
      response.once('close', () => upstream.destroy());
      passBody(line, request, upstream);
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
      const line = await this.#open(access, () => socket.destroyed);
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

  /** Wakes the microVM if need be and connects to the guest. `hasLeft`: nobody waits for an answer any more. */
  async #open({ microvm, port }: Access, hasLeft: () => boolean): Promise<Line> {
    if (this.options.faults.refusesEndpoint(microvm.id)) throw new Refusal(502);
    const lease = await this.#links.lease(microvm);
    try {
      for (;;) {
        const connection = hasLeft() ? undefined : await dial(microvm, port);
        if (!connection) throw new Refusal(502);
        microvm.track(connection);
        // A suspend that began meanwhile has not seen this connection, and nobody would answer on it.
        if (microvm.state !== 'RUNNING' || hasLeft()) {
          connection.destroy();
          continue;
        }
        connection.once('close', lease.release);
        connection.setNoDelay(true);
        microvm.touch();
        return { microvm, connection, lease };
      }
    } catch (error) {
      lease.release();
      throw error;
    }
  }
}

async function dial(microvm: ReachableMicrovm, port: number): Promise<Socket | undefined> {
  const machine = await microvm.reach();
  return machine?.dial(port).catch(() => undefined);
}

/** Opens the request to the guest, on its own connection. */
function start({ connection }: Line, { method, url: path }: IncomingMessage, headers: string[]): ClientRequest {
  try {
    return send({ createConnection: () => connection, method, path, headers, setHost: false });
  } catch {
    connection.destroy();
    throw new Refusal(400);
  }
}

/** From the client to the guest, as fast as the guest takes it. */
function passBody({ microvm, lease }: Line, request: IncomingMessage, upstream: ClientRequest): void {
  request.on('data', () => microvm.touch());
  request.once('end', () => attempt(() => upstream.addTrailers(trailersOf(request)), () => upstream.destroy()));
  // The guest sees the head before there is a body.
  upstream.flushHeaders();
  let body: NodeJS.ReadableStream = request;
  for (const throttle of lease.throttles()) body = body.pipe(throttle);
  body.pipe(upstream);
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
  response.flushHeaders();
  answer.on('data', () => microvm.touch());
  answer.once('end', () => attempt(() => response.addTrailers(trailersOf(answer)), () => response.destroy()));
  pipeline([answer, ...lease.throttles(), response], (error) => {
    if (!error) return;
    upstream.destroy();
    response.destroy();
  });
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

import { randomUUID } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as send, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Duplex, pipeline, Transform } from 'node:stream';
import type { Clock } from '../clock';
import { type EndpointAccess, fallbackProtocol, guestHeaders, Refusal } from './endpoint-access';
import type { Microvm } from './microvm';

/** The service cuts a WebSocket on which nothing moved for this long. */
const WEBSOCKET_IDLE_MS = 60_000;

/** Headers of one connection, not of the message. */
const HOP_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/** The proxy in front of the microVMs' endpoints. Bytes stream through in both directions and are not kept. */
export class Endpoint {
  constructor(private readonly access: EndpointAccess, private readonly clock: Clock) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { microvm, upstream } = await this.#dial(request);
      request.once('close', () => {
        if (!request.complete) upstream.destroy();
      });
      upstream.once('response', (answer) => {
        try {
          response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
        } catch {
          // The guest may put into its head what no server may send.
          upstream.destroy();
          response.statusMessage = '';
          return refuse(response, new Refusal(502));
        }
        response.flushHeaders();
        pipeline(answer, counter(microvm), response, (error) => {
          if (!error) return;
          upstream.destroy();
          response.destroy();
        });
        answer.once('end', () => addTrailers(answer, response));
      });
      upstream.once('error', () => (response.headersSent ? response.destroy() : refuse(response, new Refusal(502))));
      response.once('close', () => upstream.destroy());
      pipeline(request, counter(microvm), upstream, () => undefined);
    } catch (error) {
      refuse(response, error);
    }
  }

  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    try {
      const { microvm, upstream } = await this.#dial(request);
      upstream.once('upgrade', (answer, guest, guestHead) => {
        socket.write(rawHead(answer, withProtocol(answer, fallbackProtocol(request))));
        if (guestHead.length > 0) guest.unshift(guestHead);
        if (head.length > 0) socket.unshift(head);
        this.#join(microvm, socket, guest);
      });
      upstream.once('response', (answer) => {
        socket.write(rawHead(answer, [...endToEnd(answer.rawHeaders), 'connection', 'close']));
        pipeline(answer, socket, () => upstream.destroy());
      });
      upstream.once('error', () => refuseUpgrade(socket, new Refusal(502)));
      socket.once('close', () => upstream.destroy());
      upstream.end();
    } catch (error) {
      refuseUpgrade(socket, error);
    }
  }

  /** Checks the request, wakes the microVM if need be, and opens the request to the guest. */
  async #dial(request: IncomingMessage): Promise<{ microvm: Microvm; upstream: ClientRequest }> {
    const { microvm, port } = this.access.check(request);
    const machine = await microvm.reach();
    if (!machine) throw new Refusal(502);
    const connection = await machine.dial(port).catch(() => {
      throw new Refusal(502);
    });
    microvm.touch();
    microvm.track(connection);
    const headers = guestHeaders(request);
    const forwarded = request.headers.upgrade === undefined ? endToEnd(headers, ['transfer-encoding']) : headers;
    const upstream = send({
      createConnection: () => connection,
      method: request.method,
      path: request.url,
      headers: [...forwarded, 'x-amzn-requestid', randomUUID()],
      setHost: false,
    });
    return { microvm, upstream };
  }

  #join(microvm: Microvm, client: Duplex, guest: Duplex): void {
    const cut = (): void => {
      client.destroy();
      guest.destroy();
    };
    let timer = this.clock.after(WEBSOCKET_IDLE_MS, cut);
    const onBytes = (): void => {
      timer.cancel();
      timer = this.clock.after(WEBSOCKET_IDLE_MS, cut);
    };
    for (const [from, to] of [[client, guest], [guest, client]]) pipeline(from, counter(microvm, onBytes), to, cut);
    guest.once('close', () => timer.cancel());
  }
}

/** Lets bytes through and notes that they came. */
function counter(microvm: Microvm, onBytes?: () => void): Transform {
  return new Transform({
    transform(chunk, _, done) {
      microvm.touch();
      onBytes?.();
      done(null, chunk);
    },
  });
}

function endToEnd(rawHeaders: readonly string[], also: readonly string[] = []): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index].toLowerCase();
    if (!HOP_HEADERS.includes(name) || also.includes(name)) kept.push(rawHeaders[index], rawHeaders[index + 1]);
  }
  return kept;
}

function addTrailers(answer: IncomingMessage, response: ServerResponse): void {
  const trailers = Object.entries(answer.trailers);
  if (trailers.length > 0) response.addTrailers(Object.fromEntries(trailers.map(([name, value]) => [name, value ?? ''])));
}

function withProtocol(answer: IncomingMessage, fallback: string | undefined): string[] {
  const chosen = answer.headers['sec-websocket-protocol'] !== undefined;
  return chosen || fallback === undefined ? answer.rawHeaders : [...answer.rawHeaders, 'Sec-WebSocket-Protocol', fallback];
}

function rawHead(answer: IncomingMessage, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status, message } = error instanceof Refusal ? error : new Refusal(502);
  response.writeHead(status, { ...refusalHeaders(status), 'content-length': Buffer.byteLength(message) });
  response.end(message);
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, message } = error instanceof Refusal ? error : new Refusal(502);
  const headers = { ...refusalHeaders(status), 'content-length': String(Buffer.byteLength(message)), 'connection': 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${message}`);
}

function refusalHeaders(status: number): Record<string, string> {
  return status === 403 ? { 'cache-control': 'private, no-store', 'content-type': 'text/plain' } : {};
}

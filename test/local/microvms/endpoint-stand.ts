import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LocalClock } from '../../../local/src/clock';
import { overConduits } from '../../../local/src/conduit/over-conduits';
import { NO_FAULTS } from '../../../local/src/faults/microvm-faults';
import { Endpoint } from '../../../local/src/microvms/endpoint/endpoint';
import type { ReachableMicrovm } from '../../../local/src/microvms/endpoint/endpoint-access';

export interface StandOptions {
  readonly bandwidth?: boolean;
  readonly memoryMib?: number;
}

/** The endpoint in front of a guest that a test writes byte by byte, without a machine behind it. */
export class EndpointStand {
  readonly clock = new LocalClock();
  /** How often the microVM was told that bytes crossed its endpoint. */
  touches = 0;
  /** Connections to the guest, oldest first. */
  readonly lines: Socket[] = [];
  /** Awaited before the microVM can be reached; a test may hold it. */
  awake: Promise<void> = Promise.resolve();
  state: ReachableMicrovm['state'] = 'RUNNING';
  /** The endpoint's side of these connections, as the microVM gets to know them. */
  readonly tracked: Duplex[] = [];
  readonly #guest: TcpServer;
  readonly #server: Server;
  readonly #clients = new Set<Duplex>();

  constructor(onGuest: (socket: Socket) => void, { bandwidth = false, memoryMib = 2048 }: StandOptions = {}) {
    this.#guest = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      this.lines.push(socket);
      onGuest(socket);
    });
    const access = { microvm: this.#microvm(memoryMib), port: 8080 };
    const endpoint = new Endpoint({
      access: { check: () => access, checkUpgrade: () => access }, clock: this.clock, faults: NO_FAULTS, bandwidth,
    });
    this.#server = overConduits(createServer((request, response) => void endpoint.handle(request, response)));
    this.#server.on('upgrade', (request: IncomingMessage, socket, first) => void endpoint.handleUpgrade(request, socket, first));
    for (const event of ['request', 'upgrade']) this.#server.prependListener(event, ({ socket }: IncomingMessage) => this.#clients.add(socket));
  }

  async open(): Promise<this> {
    for (const server of [this.#guest, this.#server]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A client's connection to the endpoint, and what comes over it. */
  client(): Client {
    return new Client(connect(this.port, '127.0.0.1'));
  }

  /** Connections to the endpoint that are open and carried a request. */
  get connections(): number {
    return [...this.#clients].filter(({ destroyed }) => !destroyed).length;
  }

  /** As a suspend does. */
  cut(): void {
    for (const line of this.tracked) line.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    for (const line of this.lines) line.destroy();
    this.#server.closeAllConnections();
    await Promise.all([this.#server, this.#guest].map((server) => new Promise((resolve) => server.close(resolve))));
    this.clock.stop();
  }

  #microvm(minimumMemoryInMiB: number): ReachableMicrovm {
    const stand = this;
    return {
      id: 'microvm-of-the-stand',
      get state() { return stand.state; },
      guest: { version: { configuration: { resources: [{ minimumMemoryInMiB }] } } },
      touch: () => void (stand.touches += 1),
      track: (connection) => void stand.tracked.push(connection),
      reach: async () => {
        await stand.awake;
        return { dial: () => stand.#dial() };
      },
    };
  }

  #dial(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect((this.#guest.address() as AddressInfo).port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => resolve(socket));
    });
  }
}

/** Speaks to the endpoint in raw bytes. */
export class Client {
  received = '';
  readonly closed: Promise<void>;

  constructor(readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text) => void (this.received += String(text)));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  send(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves with all that came once it has `text` in it. */
  async until(text: string): Promise<string> {
    await until(`'${text}' in '${this.received.slice(0, 500)}'`, () => this.received.includes(text));
    return this.received;
  }
}

/** The head of a request, with the host of the stand. */
export function head(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: 'stand', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

export const HANDSHAKE = {
  'connection': 'Upgrade', 'upgrade': 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

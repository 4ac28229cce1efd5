import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { DialRequest, RelayMessage } from './relay';

interface Waiting {
  resolve(socket: Socket): void;
  reject(error: Error): void;
}

/** This side of the relay: asks it for connections, and takes those that the guest opens to the metadata service. */
export class Dialer {
  /** Settled once the relay is in place: it holds the metadata service's address, and nobody in the guest can. */
  readonly listening: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #onListening?: () => void;

  constructor(private readonly door: ChildProcess, private readonly onMetadata: (connection: Socket) => void) {
    this.listening = new Promise((resolve, reject) => {
      this.#onListening = resolve;
      door.once('disconnect', () => reject(new Error('The relay into the guest ended before it was in place')));
    });
    this.listening.catch(() => undefined);
    // The relay is our own code outside of the guest and sends nothing else.
    door.on('message', (message, handle) => this.#take(message as unknown as RelayMessage, handle));
    door.on('disconnect', () => this.#fail());
    // The channel alone keeps no process alive.
    door.channel?.unref();
  }

  dial(port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const request: DialRequest = { id: ++this.#lastId, port };
      if (!this.door.connected) return reject(dialError('ECONNREFUSED', port));
      this.#waiting.set(request.id, { resolve, reject: (error) => reject(Object.assign(error, { port })) });
      this.door.send({ ...request }, (error) => {
        if (!error) return;
        this.#waiting.delete(request.id);
        reject(dialError('ECONNREFUSED', port));
      });
    });
  }

  close(): void {
    if (this.door.connected) this.door.disconnect();
    this.#fail();
  }

  #take(message: RelayMessage, handle: unknown): void {
    if (message.kind === 'listening') this.#onListening?.();
    else if (message.kind === 'dialled') this.#settle(message.id, handle, message.code);
    // A connection that its guest has already closed may arrive without its handle.
    else if (handle instanceof Socket) this.onMetadata(handle);
  }

  #settle(id: number, handle: unknown, code = 'ECONNREFUSED'): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!(handle instanceof Socket)) {
      waiting?.reject(dialError(code));
      return;
    }
    // Until it has a user, a connection that breaks must break quietly.
    handle.on('error', () => undefined);
    if (waiting) waiting.resolve(handle);
    else handle.destroy();
  }

  #fail(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(dialError('ECONNREFUSED'));
    this.#waiting.clear();
  }
}

function dialError(code: string, port?: number): Error {
  return Object.assign(new Error(`No connection to the guest: ${code}`), { code, port });
}

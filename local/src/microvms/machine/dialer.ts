import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { DialAnswer, DialRequest } from './relay';

interface Waiting {
  resolve(socket: Socket): void;
  reject(error: Error): void;
}

/** This side of the relay: asks it for connections. */
export class Dialer {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(private readonly door: ChildProcess) {
    // The relay is our own code outside of the guest and sends nothing else.
    door.on('message', (message, handle) => this.#settle(message as unknown as DialAnswer, handle));
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

  #settle({ id, code }: DialAnswer, handle: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!(handle instanceof Socket)) {
      waiting?.reject(dialError(code ?? 'ECONNREFUSED'));
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

import type * as net from 'node:net';

export interface DialRequest {
  readonly id: number;
  readonly port: number;
}

export interface DialAnswer {
  readonly id: number;
  /** Error code; absent if the connection comes with the answer. */
  readonly code?: string;
}

/**
 * Runs in a process of its own inside the guest's network, but outside of its processes and files: the guest can neither see nor stop
 * it. It opens connections to the guest's loopback and hands them over whole, so no byte passes through it.
 *
 * Sent to that process as text: it may use nothing but its parameters.
 */
export function relay(sockets: typeof net, self: NodeJS.Process): void {
  self.on('disconnect', () => self.exit());
  self.on('message', ({ id, port }: DialRequest) => {
    const socket = sockets.connect({ port, host: '127.0.0.1' });
    // Bytes of a server that speaks first stay in the kernel until the other side reads.
    socket.pause();
    socket.once('connect', () => self.send?.({ id }, socket));
    socket.once('error', (error: NodeJS.ErrnoException) => self.send?.({ id, code: error.code ?? 'EIO' }));
  });
}

/** A script for `node -e`. Compilers that keep function names wrap functions in a call of `__name`. */
export const RELAY_SCRIPT = `const __name = (value) => value; (${relay.toString()})(require('node:net'), process);`;

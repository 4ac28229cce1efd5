import type * as net from 'node:net';

export interface DialRequest {
  readonly id: number;
  readonly port: number;
}

/** What the relay says; a connection may come with it. */
export type RelayMessage =
  /** A connection to the guest, or the code of the error in its place. */
  | { readonly kind: 'dialled'; readonly id: number; readonly code?: string }
  /** A connection of the guest to the metadata service. */
  | { readonly kind: 'metadata' }
  /** The metadata service's address is taken, before the guest has started. */
  | { readonly kind: 'listening' };

export interface RelaySettings {
  readonly metadataHost: string;
  readonly metadataPort: number;
  /** More connections than this on their way to the other side are cut. */
  readonly maxPending: number;
}

/**
 * Runs in a process of its own inside the guest's network, but outside of its processes and files: the guest can neither see nor stop
 * it. It opens connections to the guest's loopback, takes those of the guest to the metadata service, and hands them over whole, so no
 * byte passes through it.
 *
 * Sent to that process as text: it may use nothing but its parameters.
 */
export function relay(sockets: typeof net, self: NodeJS.Process, settings: RelaySettings): void {
  const say = (message: RelayMessage, socket?: net.Socket, done?: () => void): void => {
    self.send?.(message, socket, {}, done);
  };
  self.on('disconnect', () => self.exit());
  self.on('message', ({ id, port }: DialRequest) => {
    const socket = sockets.connect({ port, host: '127.0.0.1' });
    // Bytes of a server that speaks first stay in the kernel until the other side reads.
    socket.pause();
    socket.once('connect', () => say({ kind: 'dialled', id }, socket));
    socket.once('error', (error: NodeJS.ErrnoException) => say({ kind: 'dialled', id, code: error.code ?? 'EIO' }));
  });
  let pending = 0;
  const metadata = sockets.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined);
    if (pending === settings.maxPending) return void socket.resetAndDestroy();
    pending += 1;
    say({ kind: 'metadata' }, socket, () => {
      pending -= 1;
    });
  });
  metadata.once('error', () => self.exit(1));
  metadata.listen(settings.metadataPort, settings.metadataHost, () => say({ kind: 'listening' }));
}

/** A script for `node -e`. Compilers that keep function names wrap functions in a call of `__name`. */
export function relayScript(settings: RelaySettings): string {
  return `const __name = (value) => value; (${relay.toString()})(require('node:net'), process, ${JSON.stringify(settings)});`;
}

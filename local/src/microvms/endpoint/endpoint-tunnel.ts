import type { Duplex } from 'node:stream';
import type { Lease } from './endpoint-links';
import type { Clock } from '../../clock';

/** The service cuts a WebSocket on which nothing moved for this long; pings and pongs count. */
const WEBSOCKET_IDLE_MS = 60_000;

export interface Tunnel {
  readonly client: Duplex;
  readonly guest: Duplex;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Told about bytes in either direction. */
  readonly onBytes: () => void;
}

/** Joins both ends of a WebSocket until one of them is gone or nothing moves. */
export function openTunnel({ client, guest, lease, clock, onBytes }: Tunnel): void {
  let lastBytes = clock.now();
  const watch = () => clock.after(lastBytes + WEBSOCKET_IDLE_MS - clock.now(), () => {
    if (clock.now() - lastBytes < WEBSOCKET_IDLE_MS) timer = watch();
    else for (const end of [client, guest]) end.destroy();
  });
  let timer = watch();
  for (const [from, to] of [[client, guest], [guest, client]]) {
    from.on('error', () => from.destroy());
    from.on('data', () => {
      lastBytes = clock.now();
      onBytes();
    });
    let bytes: NodeJS.ReadableStream = from;
    for (const throttle of lease.throttles()) bytes = bytes.pipe(throttle);
    bytes.pipe(to);
    from.once('close', () => {
      if (to.destroyed) timer.cancel();
      else if (!from.readableEnded || to.writableFinished) to.destroy();
      // The last bytes of an end that said good-bye still reach the other one.
      else to.once('finish', () => to.destroy());
    });
  }
}

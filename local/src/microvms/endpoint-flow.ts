import type { IncomingMessage, OutgoingMessage } from 'node:http';
import type { Lease } from './endpoint-links';

/** So many bytes of a side that is slower than the other one wait here. */
const MAX_AHEAD_BYTES = 512 * 1024;

/** Passes a body on as it comes, as fast as `to` takes it, and ends `to` after it. */
export function flow(from: IncomingMessage, to: OutgoingMessage, lease: Lease, onBytes: () => void): void {
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

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below those that Linux gives to outgoing connections (32768 and up, unless it is told otherwise): a connection could take a port
 * between this look at it and the moment when the guest listens, and the guest would end.
 */
const FIRST = 20_000;
const COUNT = 12_000;

const taken = new Set<number>();
/** Somewhere: other local clouds of this machine look for ports, too. */
let next = randomInt(COUNT);

/** A free port of this machine, given out once until it is given back. */
export async function takeFreePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + next++ % COUNT;
    if (taken.has(port) || !await isFree(port)) continue;
    taken.add(port);
    return port;
  }
  throw new Error(`no port between ${FIRST} and ${FIRST + COUNT - 1} of this machine is free`);
}

export function giveBackPort(port: number): void {
  taken.delete(port);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

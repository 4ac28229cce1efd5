import { createServer } from 'node:net';

const taken = new Set<number>();

/** A free port of this machine, given out once until it is given back. */
export async function takeFreePort(): Promise<number> {
  for (;;) {
    const port = await probe();
    if (taken.has(port)) continue;
    taken.add(port);
    return port;
  }
}

export function giveBackPort(port: number): void {
  taken.delete(port);
}

function probe(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

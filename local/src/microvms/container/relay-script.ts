import type * as childProcess from 'node:child_process';
import type * as fs from 'node:fs';
import type * as net from 'node:net';

interface Modules {
  readonly fs: typeof fs;
  readonly net: typeof net;
  readonly childProcess: typeof childProcess;
}

/**
 * Runs in a container of its own, whose network the guest joins, but outside of its processes and files. Takes connections on a socket in a
 * folder that it shares with the local cloud: the first line names a port, the answer is `ok` or an error's code, then bytes pass both
 * ways. What the guest connects to at the instance metadata service's address goes to the local cloud's own socket there.
 *
 * Put into an image as text: it may use nothing but its parameters.
 */
export function relay({ fs: files, net: sockets, childProcess: programs }: Modules): void {
  const folder = '/relay';
  const metadata = '169.254.169.254';
  const join = (one: net.Socket, other: net.Socket): void => {
    one.on('error', () => other.destroy());
    other.on('error', () => one.destroy());
    one.on('close', () => other.destroySoon());
    other.on('close', () => one.destroySoon());
    one.pipe(other);
    other.pipe(one);
  };
  const server = sockets.createServer({ allowHalfOpen: true }, (outer) => {
    outer.on('error', () => outer.destroy());
    outer.once('data', (line) => {
      outer.pause();
      const inner = sockets.connect({ port: Number(line.toString()), host: '127.0.0.1', allowHalfOpen: true });
      const refuse = (error: NodeJS.ErrnoException): void => void outer.end(`${error.code ?? 'EIO'}\n`);
      inner.once('error', refuse);
      inner.once('connect', () => {
        inner.off('error', refuse);
        outer.write('ok\n');
        join(outer, inner);
      });
    });
  });
  // Ends the relay if it fails: without this address a guest would reach the metadata service of the machine it runs on.
  programs.execFileSync('/ip', ['address', 'add', `${metadata}/32`, 'dev', 'lo']);
  sockets.createServer({ allowHalfOpen: true }, (inner) => {
    join(inner, sockets.connect({ path: `${folder}/metadata`, allowHalfOpen: true }));
  }).listen(80, metadata);
  // The name appears only once the socket can be used by the local cloud's user.
  server.listen(`${folder}/new`, () => {
    files.chmodSync(`${folder}/new`, 0o666);
    files.renameSync(`${folder}/new`, `${folder}/dial`);
  });
}

/** A program for `node`. Compilers that keep function names wrap functions in a call of `__name`. */
export const RELAY_PROGRAM = `const __name = (value) => value;
(${relay.toString()})({ fs: require('node:fs'), net: require('node:net'), childProcess: require('node:child_process') });
`;

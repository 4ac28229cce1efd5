import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ContainerEngine, NAME_PREFIX, OWNER_LABEL, ownerLabel } from './container-engine';
import { ipProgram } from './ip-program';
import { RELAY_PROGRAM } from './relay-script';
import { ulimits } from './ulimits';

const START_MS = 10_000;
const POLL_MS = 10;
/** Longest path of a socket. */
const MAX_SOCKET_PATH = 107;

/**
 * A container whose network a guest joins, and the way into it: to any port, also to those on its loopback alone. It runs this
 * machine's node, needs nothing of the guest's image and no rights on this machine.
 */
export class ContainerRelay {
  #metadata?: Server;

  /** `name`: of the relay's container, whose network the guest joins. `folder`: made for the sockets. */
  constructor(
    private readonly engine: ContainerEngine,
    readonly place: { readonly name: string; readonly folder: string },
  ) {}

  async start(): Promise<void> {
    const { name, folder } = this.place;
    const socket = join(folder, 'metadata');
    if (Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
      throw new Error(`The path of a socket has at most ${MAX_SOCKET_PATH} bytes; choose a shorter folder than ${folder}`);
    }
    await mkdir(folder, { mode: 0o700 });
    const image = await relayImage(this.engine);
    const programs = { [process.execPath]: '/node', [ipProgram() ?? '']: '/ip' };
    await this.engine.must([
      'run', '--detach', '--name', name, '--label', `${OWNER_LABEL}=${ownerLabel()}`, '--pull', 'never',
      '--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN', '--cap-add', 'NET_BIND_SERVICE',
      '--security-opt', 'label=disable', ...await ulimits(), '--stop-timeout', '0',
      '--volume', `${folder}:/relay`, ...await mounts(programs), '--entrypoint', '/node', image, '/relay.js',
    ]);
    await this.#up();
  }

  async dial(port: number): Promise<Socket> {
    const socket = connect({ path: join(this.place.folder, 'dial') });
    // Until it has a user, a connection that breaks must break quietly.
    socket.on('error', () => undefined);
    socket.write(`${port}\n`);
    const answer = await readLine(socket);
    if (answer === 'ok') return socket;
    socket.destroy();
    throw Object.assign(new Error(`No connection to the guest: ${answer}`), { code: answer, port });
  }

  async serveMetadata(accept: (connection: Socket) => void): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, accept);
    this.#metadata = server;
    const path = join(this.place.folder, 'metadata');
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    // The relay's user may be another one; the folder is closed to all others.
    await chmod(path, 0o666);
  }

  async stop(): Promise<void> {
    this.#metadata?.close();
    await this.engine.run(['rm', '--force', '--volumes', this.place.name]);
  }

  async #up(): Promise<void> {
    for (const limit = Date.now() + START_MS; !existsSync(join(this.place.folder, 'dial'));) {
      if (Date.now() > limit) {
        const { tail } = await this.engine.run(['logs', this.place.name]);
        throw new Error(`The way into the container does not open: ${tail}`);
      }
      await pause(POLL_MS);
    }
  }
}

/** The image of the relay: its program and nothing else. Made once on a machine. */
async function relayImage(engine: ContainerEngine): Promise<string> {
  const tag = `${NAME_PREFIX}/relay:${createHash('sha256').update(RELAY_PROGRAM).digest('hex').slice(0, 16)}`;
  if ((await engine.run(['image', 'inspect', tag])).code === 0) return tag;
  const context = await mkdtemp(join(tmpdir(), 'microvm-relay-'));
  try {
    await writeFile(join(context, 'relay.js'), RELAY_PROGRAM);
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY relay.js /relay.js\n');
    await engine.must(['build', '--tag', tag, context]);
    return tag;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Programs of this machine and the libraries they need, each at its own place, read-only. */
async function mounts(programs: Readonly<Record<string, string>>): Promise<string[]> {
  const libraries = new Set<string>();
  for (const program of Object.keys(programs)) for (const library of await librariesOf(program)) libraries.add(library);
  const pairs = [...Object.entries(programs), ...[...libraries].map((library) => [library, library])];
  return pairs.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]);
}

async function librariesOf(program: string): Promise<string[]> {
  // Fails for a program without any.
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)].map(([, path]) => path);
}

/** What follows the line stays to be read, by whoever takes the socket next: it must not be left paused. */
function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = Buffer.alloc(0);
    const done = (line: string): void => {
      socket.off('readable', onReadable).off('close', onClose);
      resolve(line);
    };
    const onClose = (): void => done('ECONNREFUSED');
    const onReadable = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) {
        text = Buffer.concat([text, chunk]);
        const end = text.indexOf('\n');
        if (end < 0) continue;
        if (text.length > end + 1) socket.unshift(text.subarray(end + 1));
        done(text.toString('latin1', 0, end));
        return;
      }
    };
    socket.on('readable', onReadable).once('close', onClose);
  });
}

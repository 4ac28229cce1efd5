import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants as access, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { dirname, join, resolve as resolvePath } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { LOCAL_PORT_PREFIX, LOCAL_ROOT_VARIABLE } from 'microvm-sandbox/protocol';
import { giveBackPort, takeFreePort } from './free-ports';
import { Freezer, killAll } from './freezer';
import { isWithin } from './guest-root';
import { type Machine, type MachineSpec, MAX_OPEN_FILES, MissingProgramError } from './machine';
import { METADATA_VARIABLE, MetadataDoor } from './metadata-door';
import { readLines, readOut } from './output-lines';
import { OWNER_VARIABLE, ownerMark } from './owner';
import { descendants, identity, listProcesses, type ProcessEntry, startOf } from './process-table';
import { isShellName } from './shell';
import { Watcher } from './watcher';

/** In the environment of every process of a machine: finds those that left its process group. */
const MARKER = 'MICROVM_LOCAL_ID';

/** A guest as plain processes of this user: its files are a copy, its ports are ports of this machine. */
export async function startPlainMachine(spec: MachineSpec): Promise<Machine> {
  const root = join(spec.folder, 'root');
  const ports = new Map<number, number>();
  const metadata = new MetadataDoor();
  const metadataServer = createServer((connection) => metadata.enter(connection));
  try {
    await mkdir(spec.folder, { recursive: true });
    await cp(spec.rootfs, root, { recursive: true, verbatimSymlinks: true });
    const cwd = within(root, spec.workingDirectory);
    for (const folder of [cwd, join(root, 'tmp'), join(root, 'root')]) await mkdir(folder, { recursive: true });
    const wanted = new Set(spec.ports).add(guestPort(spec.environment));
    for (const port of wanted) ports.set(port, await takeFreePort());
    const metadataPort = await listen(metadataServer);
    const environment = guestEnvironment({ ...spec.environment, [METADATA_VARIABLE]: `http://127.0.0.1:${metadataPort}` }, root, ports);
    const command = spec.command.map((word) => mapWords(word, root));
    assertProgram(command[0], environment.PATH, cwd);
    return new PlainMachine(spec, { command, cwd, environment, ports, metadata, metadataServer });
  } catch (error) {
    metadataServer.close();
    for (const port of ports.values()) giveBackPort(port);
    await rm(spec.folder, { recursive: true, force: true });
    throw error;
  }
}

class PlainMachine implements Machine {
  readonly exited: Promise<number>;
  readonly #process: ChildProcess;
  readonly #id = randomUUID();
  readonly #startedAt: number;
  readonly #watcher: Watcher;
  readonly #ports: ReadonlyMap<number, number>;
  readonly #metadata: MetadataDoor;
  readonly #metadataServer: Server;
  readonly #seen = new Set<string>();
  readonly #freezer = new Freezer(() => this.#guestProcesses());
  #stopping?: Promise<void>;

  constructor(private readonly spec: MachineSpec, guest: {
    readonly command: readonly string[];
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly ports: ReadonlyMap<number, number>;
    readonly metadata: MetadataDoor;
    readonly metadataServer: Server;
  }) {
    this.#ports = guest.ports;
    this.#metadata = guest.metadata;
    this.#metadataServer = guest.metadataServer;
    // A shell drops variables whose names it could not write.
    const odd = Object.entries(guest.environment).filter(([name]) => !isShellName(name)).map((pair) => pair.join('='));
    const command = odd.length === 0 ? guest.command : ['env', ...odd, ...guest.command];
    const script = `ulimit -n ${MAX_OPEN_FILES}; read -r _ || exit 1; exec "$@" </dev/null`;
    this.#process = spawn('/bin/sh', ['-c', script, 'microvm', ...command], {
      cwd: guest.cwd,
      detached: true,
      stdio: 'pipe',
      env: { ...guest.environment, [MARKER]: this.#id, [OWNER_VARIABLE]: ownerMark() },
    });
    this.#startedAt = startOf(this.#process.pid);
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        void readOut(this.#outputs).then(() => resolve(signal ? 128 + constants.signals[signal] : code ?? 1));
      });
      this.#process.once('error', () => resolve(127));
    });
    this.#watcher = new Watcher({ groupId: this.#process.pid ?? 0, marker: `${MARKER}=${this.#id}`, folder: spec.folder });
    for (const stream of this.#outputs) readLines(stream, (line) => spec.onOutput(line));
    const input = this.#process.stdin as Writable;
    input.on('error', () => undefined);
    // The watcher is in place by now: whatever happens to this process, the machine ends.
    input.end('\n');
  }

  get #outputs(): Readable[] {
    return [this.#process.stdout, this.#process.stderr].flatMap((stream) => stream ?? []);
  }

  dial(port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#ports.get(port) ?? port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        // Until it has a user, a connection that breaks must break quietly.
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  }

  async serveMetadata(accept: (connection: Socket) => void): Promise<void> {
    this.#metadata.serve(accept);
  }

  async suspend(): Promise<void> {
    await this.#freezer.suspend();
    this.#metadata.cut();
  }

  async resume(): Promise<void> {
    this.#freezer.resume();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await killAll(() => this.#guestProcesses());
    await readOut(this.#outputs);
    // A daemon that outlived its parents may hold the pipes no longer.
    for (const stream of this.#outputs) stream.destroy();
    this.#metadata.cut();
    this.#metadataServer.close();
    await this.#watcher.release();
    for (const port of this.#ports.values()) giveBackPort(port);
    await rm(this.spec.folder, { recursive: true, force: true });
  }

  #guestProcesses(): ProcessEntry[] {
    const table = listProcesses();
    const own = table.filter((entry) => this.#seen.has(identity(entry)) || this.#isMarked(entry));
    const members = descendants(table, new Set(own.map((entry) => entry.pid)));
    for (const entry of members) this.#seen.add(identity(entry));
    return members;
  }

  #isMarked(entry: ProcessEntry): boolean {
    if (entry.pid === this.#process.pid || entry.groupId === this.#process.pid) return true;
    if (process.platform !== 'linux') return false;
    // The environment of every process of a busy host takes long to read, and an older one is none of the guest's.
    if (Number(entry.startedAt) < this.#startedAt) return false;
    try {
      return readFileSync(`/proc/${entry.pid}/environ`, 'latin1').split('\0').includes(`${MARKER}=${this.#id}`);
    } catch {
      return false;
    }
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    server.unref();
  });
}

/** A path of the guest, in the copy of its root. */
function within(root: string, path: string): string {
  return join(root, resolvePath('/', path));
}

function guestPort(environment: Readonly<Record<string, string>>): number {
  const port = Number(environment.PORT ?? 8080);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 8080;
}

function guestEnvironment(
  image: Readonly<Record<string, string>>,
  root: string,
  ports: ReadonlyMap<number, number>,
): Record<string, string> & { PATH: string } {
  const hostPath = (process.env.PATH ?? '').split(':').filter((entry) => entry.startsWith('/') && !entry.includes('node_modules'));
  const mapped = [...ports].map(([port, local]) => [`${LOCAL_PORT_PREFIX}${port}`, String(local)]);
  return {
    HOME: join(root, 'root'),
    TMPDIR: join(root, 'tmp'),
    ...image,
    ...Object.fromEntries(mapped),
    PORT: String(ports.get(guestPort(image))),
    PATH: [...(image.PATH ?? '').split(':'), ...hostPath, dirname(process.execPath), '/usr/bin', '/bin'].filter(Boolean).join(':'),
    [LOCAL_ROOT_VARIABLE]: root,
  };
}

/** Absolute paths that the image brings, as they are in the copy; also inside of a shell line. */
function mapWords(text: string, root: string): string {
  return text.replace(/(^|[\s'"=:])(\/[^\s'"=:;|&]+)/g, (whole, before: string, path: string) => {
    const mapped = within(root, path);
    return isWithin(mapped, root) && exists(mapped) ? before + mapped : whole;
  });
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function assertProgram(program: string, path: string, cwd: string): void {
  const candidates = program.includes('/') ? [resolvePath(cwd, program)] : path.split(':').map((folder) => join(folder, program));
  if (!candidates.some(isExecutable)) throw new MissingProgramError(program);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, access.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

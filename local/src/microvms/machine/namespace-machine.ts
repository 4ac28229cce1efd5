import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { constants, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { DEFAULT_PATH } from './default-path';
import { Dialer } from './dialer';
import { Freezer, killAll } from './freezer';
import { writeGuestFiles } from './guest-files';
import { GuestNamespace } from './guest-namespace';
import { planGuestRoot } from './guest-root';
import { type Machine, type MachineSpec, MissingProgramError } from './machine';
import { MAX_METADATA_CONNECTIONS, METADATA_VARIABLE, MetadataDoor } from './metadata-door';
import { DOOR_SCRIPT, environmentScript, guestScript, METADATA_HOST } from './namespace-scripts';
import { readLines, readOut } from './output-lines';
import { OWNER_VARIABLE, ownerMark } from './owner';
import { listProcesses, type ProcessEntry } from './process-table';
import { relayScript } from './relay';
import { Watcher } from './watcher';

/** The metadata service's own port; a guest that listens there itself finds the service at the other one. */
const METADATA_PORT = 80;
const OTHER_METADATA_PORT = 1338;

/** The root disk of the platform's smaller sizes. Here it is memory. */
const MAX_DISK_BYTES = 8 * 1024 ** 3;

/** A guest in namespaces of its own. `hidden` are folders that no guest may see. */
export async function startNamespaceMachine(spec: MachineSpec, hidden: readonly string[]): Promise<Machine> {
  const root = planGuestRoot(hidden);
  const metadataPort = spec.ports.includes(METADATA_PORT) ? OTHER_METADATA_PORT : METADATA_PORT;
  const environment = {
    HOME: '/root',
    ...spec.environment,
    ...(metadataPort === METADATA_PORT ? {} : { [METADATA_VARIABLE]: `http://${METADATA_HOST}:${metadataPort}` }),
    PATH: [spec.environment.PATH ?? DEFAULT_PATH, ...root.toolPath].join(':'),
  };
  try {
    await mkdir(spec.folder, { recursive: true });
    const files = writeGuestFiles(spec.folder, spec.rootfs, root);
    await writeSecret(spec.folder, 'environment', environmentScript(environment));
    await writeSecret(spec.folder, 'script', guestScript({ ...spec, files, diskBytes: Math.min(MAX_DISK_BYTES, totalmem() / 2) }));
    await writeSecret(spec.folder, 'mounts', `${files.mounts.join('\n')}\n`);
    await writeSecret(spec.folder, 'tools', `${files.tools.map(({ line }) => line).join('\n')}\n`);
  } catch (error) {
    await rm(spec.folder, { recursive: true, force: true });
    throw error;
  }
  const machine = new NamespaceMachine(spec, metadataPort);
  try {
    await machine.started;
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function writeSecret(folder: string, name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text, { mode: 0o600 });
}

class NamespaceMachine implements Machine {
  readonly exited: Promise<number>;
  readonly started: Promise<void>;
  readonly #door: ChildProcess;
  readonly #groupId: number;
  readonly #watcher: Watcher;
  readonly #dialer: Dialer;
  readonly #metadata = new MetadataDoor();
  readonly #freezer = new Freezer(() => this.#guestProcesses());
  #namespace?: GuestNamespace;
  #stopping?: Promise<void>;

  constructor(private readonly spec: MachineSpec, metadataPort: number) {
    // Bash reads the user's .bashrc when its input is a socket, and pipes of node are sockets.
    const shell = existsSync('/bin/bash') ? ['bash', '--norc'] : ['sh'];
    const command = ['--user', '--map-root-user', '--net', '--', ...shell, '-c', DOOR_SCRIPT, 'microvm-door'];
    const relay = relayScript({ metadataHost: METADATA_HOST, metadataPort, maxPending: MAX_METADATA_CONNECTIONS });
    this.#door = spawn('unshare', [...command, process.execPath, relay, join(spec.folder, 'script')], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'ipc', 'pipe'],
      env: { PATH: `${DEFAULT_PATH}:${process.env.PATH ?? ''}`, [OWNER_VARIABLE]: ownerMark() },
    });
    this.exited = new Promise((resolve) => {
      this.#door.once('exit', (code, signal) => {
        void readOut(this.#outputs).then(() => resolve(signal ? 128 + constants.signals[signal] : code ?? 1));
      });
      this.#door.once('error', () => resolve(127));
    });
    this.#groupId = this.#door.pid ?? 0;
    this.#watcher = new Watcher({ groupId: this.#groupId, folder: spec.folder });
    this.#dialer = new Dialer(this.#door, (connection) => this.#metadata.enter(connection));
    this.started = this.#start();
    this.started.catch(() => undefined);
  }

  get #outputs(): Readable[] {
    return [this.#door.stdout, this.#door.stderr].flatMap((stream) => stream ?? []);
  }

  dial(port: number): Promise<Socket> {
    return this.#dialer.dial(port);
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

  async #start(): Promise<void> {
    const tail: string[] = [];
    const keep = (line: string): void => {
      if (tail.push(line) > 5) tail.shift();
    };
    const { stdin } = this.#door;
    // The types know of five descriptors only.
    const ready = (this.#door.stdio as readonly unknown[])[5] as Writable;
    ready.on('error', () => undefined);
    for (const stream of this.#outputs) {
      readLines(stream, (line) => {
        keep(line);
        this.spec.onOutput(line);
      });
    }
    const started = new Promise<void>((resolve, reject) => {
      readLines(this.#door.stdio[3] as Readable, (line) => {
        const [word, ...values] = line.split(' ');
        if (word === 'first') this.#enter(Number(values[0]));
        else if (word === 'missing') reject(new MissingProgramError(values.join(' ')));
        else if (word === 'started') resolve();
        else keep(line);
      });
      const ended = [1, 2, 3].map((index) => once(this.#door.stdio[index] as Readable, 'close'));
      void Promise.all(ended).then(() => reject(new Error(`The machine's namespaces cannot be set up: ${tail.join(' ')}`)));
      this.#door.once('error', (error) => reject(new Error(`unshare cannot be started: ${error.message}`)));
      // The guest's own program starts when it can no longer take the metadata service's place.
      this.#dialer.listening.then(() => ready.end('\n'), reject);
    });
    (stdin as Writable).on('error', () => undefined);
    // The watcher is in place by now: whatever happens to this process, the machine ends.
    (stdin as Writable).end('\n');
    return started;
  }

  async #stop(): Promise<void> {
    // The guest first: its parent reaps it and leaves by itself.
    await killAll(() => this.#guestProcesses());
    await killAll(() => listProcesses().filter((entry) => entry.groupId === this.#groupId && this.#groupId > 0));
    this.#namespace?.close();
    await readOut(this.#outputs);
    this.#dialer.close();
    this.#metadata.cut();
    await this.#watcher.release();
    await rm(this.spec.folder, { recursive: true, force: true });
  }

  #enter(pid: number): void {
    if (!this.#stopping) this.#namespace ??= GuestNamespace.of(pid);
  }

  #guestProcesses(): ProcessEntry[] {
    return this.#namespace?.processes() ?? [];
  }
}

import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type ContainerEngine, NAME_PREFIX, OWNER_LABEL, ownerLabel } from './container-engine';
import { ContainerRelay } from './container-relay';
import { referenceIn } from './image-reference';
import { ulimits } from './ulimits';
import { CAPABILITIES } from '../machine/capabilities';
import type { Machine, MachineSpec } from '../machine/machine';
import { readLines } from '../machine/output-lines';

/** The last lines of a guest are waited for this long. */
const LAST_LINES_MS = 10_000;

/** The engine's own failures exit with 125. */
const NO_START = [126, 127];

/** The main process of a container could not be started. */
export class ContainerStartError extends Error {
  constructor(readonly exitCode: number, message: string) {
    super(message);
  }
}

/** A guest as a container. `spec.rootfs` names the engine's image, which also knows the main process. */
export async function startContainerMachine(engine: ContainerEngine, spec: MachineSpec): Promise<Machine> {
  const name = `${NAME_PREFIX}-${randomUUID()}`;
  const machine = new ContainerMachine(engine, name, spec);
  try {
    await mkdir(spec.folder, { recursive: true, mode: 0o700 });
    await machine.start();
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

class ContainerMachine implements Machine {
  readonly exited: Promise<number>;
  readonly #relay: ContainerRelay;
  readonly #ended = new EventEmitter();
  /** Resolves once all that the guest wrote is told. */
  #told?: Promise<unknown>;
  #paused = false;
  #stopping?: Promise<void>;

  constructor(
    private readonly engine: ContainerEngine,
    private readonly name: string,
    private readonly spec: MachineSpec,
  ) {
    this.exited = new Promise((resolve) => this.#ended.once('exit', resolve));
    this.#relay = new ContainerRelay(engine, { name: `${name}-relay`, folder: join(spec.folder, 'relay') });
  }

  async start(): Promise<void> {
    const image = (await readFile(referenceIn(this.spec.rootfs), 'utf8')).trim();
    // First of all: the guest must not find this machine's own instance metadata service where the relay's is to be.
    await this.#relay.start();
    const { code, tail } = await this.engine.run(['run', ...await this.#options(), image]);
    if (NO_START.includes(code)) throw new ContainerStartError(code, tail);
    if (code !== 0) throw new Error(`${this.engine.name} run failed with ${code}: ${tail}`);
    // Reads from the beginning, so that no line is lost.
    const logs = this.engine.start(['logs', '--follow', this.name]);
    for (const stream of [logs.stdout, logs.stderr]) if (stream) readLines(stream, (line) => this.spec.onOutput(line));
    this.#told = once(logs, 'close').catch(() => undefined);
    void this.#wait();
  }

  dial(port: number): Promise<Socket> {
    return this.#relay.dial(port);
  }

  serveMetadata(accept: (connection: Socket) => void): Promise<void> {
    return this.#relay.serveMetadata(accept);
  }

  async suspend(): Promise<void> {
    await this.engine.must(['pause', this.name]);
    this.#paused = true;
  }

  async resume(): Promise<void> {
    await this.engine.must(['unpause', this.name]);
    this.#paused = false;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#hearOut();
    await removeContainer(this.engine, this.name);
    await this.#relay.stop();
    await rm(this.spec.folder, { recursive: true, force: true });
  }

  /** Ends the guest and waits for its last lines, which are gone with the container. One that is paused has said all. */
  async #hearOut(): Promise<void> {
    if (!this.#told || this.#paused) return;
    await this.engine.run(['kill', this.name]).catch(() => undefined);
    const limit = new AbortController();
    await Promise.race([this.#told, setTimeout(LAST_LINES_MS, undefined, { signal: limit.signal, ref: false })]);
    limit.abort();
  }

  /** The exit code of the main process; nobody's if the container is gone before it could be read. */
  async #wait(): Promise<void> {
    const { code, output } = await this.engine.run(['wait', this.name]).catch(() => ({ code: 1, output: '' }));
    const exitCode = Number(output.split('\n').at(-1));
    this.#ended.emit('exit', code === 0 && Number.isInteger(exitCode) ? exitCode : 137);
  }

  async #options(): Promise<string[]> {
    const environment = join(this.spec.folder, 'environment');
    const entries = Object.entries(this.spec.environment);
    // A file shows values in no process list, but holds one line for each.
    const lines = entries.filter(([, value]) => !value.includes('\n')).map((pair) => pair.join('='));
    const others = entries.filter(([, value]) => value.includes('\n')).flatMap((pair) => ['--env', pair.join('=')]);
    await writeFile(environment, `${lines.join('\n')}\n`, { mode: 0o600 });
    return [
      '--detach', '--name', this.name, '--label', `${OWNER_LABEL}=${ownerLabel()}`, '--pull', 'never',
      '--network', `container:${this.#relay.place.name}`,
      // Podman would hand over the proxies of this machine's user, perhaps with a password.
      ...(this.engine.name === 'podman' ? ['--http-proxy=false'] : []),
      '--log-driver', 'json-file', '--log-opt', 'max-size=10m', '--stop-timeout', '0',
      '--cap-drop', 'ALL', ...CAPABILITIES.flatMap((capability) => ['--cap-add', capability]), ...await ulimits(),
      '--env-file', environment, ...others,
    ];
  }
}

/** Kills and removes a container; one that is not there is fine. Throws if it is still there afterwards. */
export async function removeContainer(engine: ContainerEngine, name: string): Promise<void> {
  const { code, tail } = await engine.run(['rm', '--force', '--volumes', name]);
  if (code === 0 || /no such container|no container with name|not found/i.test(tail)) return;
  throw new Error(`${engine.name} rm failed with ${code}: ${tail}`);
}

import { randomUUID } from 'node:crypto';
import type { LogSink } from '../api';
import type { Clock, Timer } from '../clock';
import type { Background } from './background';
import { invalid, ServiceError } from './errors';
import type { Guest } from './guest';
import type { HookName } from './hook-settings';
import { callHook, pollHook, runtimeHookFailure } from './hooks';
import { logTarget } from './log-stream';
import type { Machine } from './machine/machine';
import type { Machines } from './machines';
import type { RoleAssumer } from '../role-session';
import type { RunSettings } from './run-input';

export type MicrovmState = 'PENDING' | 'RUNNING' | 'SUSPENDING' | 'SUSPENDED' | 'TERMINATING' | 'TERMINATED';

/** How many transitions the service takes to notice that the main process is gone: a quarter of a minute there. */
const EXIT_LAG_TRANSITIONS = 15;

const INTERNAL_ERROR = 'Internal service error.';

export interface MicrovmEnvironment {
  readonly clock: Clock;
  readonly logs: LogSink;
  readonly roles: RoleAssumer;
  readonly machines: Machines;
  readonly background: Background;
  readonly transitionMs: number;
  readonly onWarning: (message: string) => void;
}

/** Something of the outside that a suspend or the end of the microVM cuts off. */
interface Cuttable {
  destroy(): void;
}

/** One microVM: its states, its hooks and the limits of its life. */
export class Microvm {
  readonly id = `microvm-${randomUUID()}`;
  readonly endpointId = randomUUID();
  readonly startedAt: number;
  state: MicrovmState = 'PENDING';
  stateReason: string | null = null;
  terminatedAt: number | null = null;

  readonly #connections = new Set<Cuttable>();
  readonly #ending = new AbortController();
  #machine?: Machine;
  #exited = false;
  #lastTraffic = 0;
  #idleTimer?: Timer;
  #suspendedTimer?: Timer;
  readonly #lifetimeTimer: Timer;
  /** The transition under way and those waiting behind it. */
  #transitions: Promise<void> = Promise.resolve();

  constructor(readonly guest: Guest, readonly settings: RunSettings, private readonly environment: MicrovmEnvironment) {
    this.startedAt = environment.clock.now();
    this.#lifetimeTimer = environment.clock.after(
      settings.maximumDurationInSeconds * 1000,
      () => this.terminate('MicroVM exceeded maximum lifetime.'),
    );
    void this.#enqueue(() => this.#start());
  }

  suspend(): Promise<void> {
    this.#assertAlive('suspended');
    return this.#suspend();
  }

  resume(): Promise<void> {
    this.#assertAlive('resumed');
    return this.#enqueue(() => this.#wake());
  }

  /** Resolves once the microVM is TERMINATED. `stateReason` is what the API tells about it. */
  terminate(stateReason = 'Success.'): Promise<void> {
    if (this.#ending.signal.aborted) return this.#transitions;
    const running = this.state === 'RUNNING' && !this.#exited;
    this.state = 'TERMINATING';
    this.#ending.abort();
    return this.#enqueue(() => this.#end(stateReason, running));
  }

  /** Lets go of everything without a transition; whoever calls it stops the machine. */
  abandon(): void {
    this.#ending.abort();
    this.#cancelTimers();
    this.#cut();
  }

  /** The machine, for one request of the outside; wakes a suspended microVM if its policy says so. Undefined: not reachable. */
  async reach(): Promise<Machine | undefined> {
    if (this.state === 'SUSPENDING' || this.state === 'SUSPENDED') {
      if (!this.settings.idlePolicy?.autoResumeEnabled) return undefined;
      await this.#enqueue(() => this.#wake());
    }
    return this.state === 'RUNNING' && !this.#exited ? this.#machine : undefined;
  }

  /** Bytes crossed the endpoint: only they keep the microVM from idling. */
  touch(): void {
    this.#lastTraffic = this.environment.clock.now();
  }

  /** Keeps a connection until it closes by itself or a suspend cuts it. */
  track(connection: Cuttable & { once(event: 'close', listener: () => void): unknown }): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
  }

  #assertAlive(wanted: string): void {
    if (this.#ending.signal.aborted) throw invalid(`The MicroVM ${this.id} has been terminated and its state cannot be changed.`);
    if (this.state === 'PENDING') throw new ServiceError('ConflictException', `The MicroVM ${this.id} is PENDING and cannot be ${wanted} yet.`);
  }

  /** Runs one transition after the other. */
  #enqueue(transition: () => Promise<void>): Promise<void> {
    const next = this.#transitions.then(transition).catch((error: unknown) => {
      this.environment.onWarning(`MicroVM ${this.id}: ${(error as Error).message}`);
      void this.terminate(INTERNAL_ERROR);
    });
    this.#transitions = next;
    this.environment.background.run(this.id, () => next);
    return next;
  }

  async #start(): Promise<void> {
    const { clock, machines, transitionMs } = this.environment;
    const machine = await this.guest.start(machines, this.#output());
    this.#machine = machine;
    void machine.exited.then((code) => this.#onExit(code));
    // The service starts from a snapshot that was taken after `/ready`; here the guest gets there anew.
    const ready = this.guest.hook('ready');
    if (ready) {
      const result = await pollHook(clock, machine, { ...ready, signal: this.#ending.signal });
      if (this.#ending.signal.aborted) return;
      if (!('status' in result) || result.status !== 200) throw new Error('the ready hook, which passed in the build, failed at the start');
    }
    await clock.sleep(transitionMs);
    if (await this.#hookFails('run')) return;
    this.#run();
  }

  #run(): void {
    if (this.#ending.signal.aborted) return;
    this.state = 'RUNNING';
    this.touch();
    this.#watchIdle();
  }

  async #suspend(): Promise<void> {
    if (this.state === 'RUNNING') {
      this.state = 'SUSPENDING';
      return this.#enqueue(() => this.#freeze());
    }
    return this.#transitions;
  }

  async #freeze(): Promise<void> {
    const { clock, transitionMs } = this.environment;
    this.#idleTimer?.cancel();
    if (await this.#hookFails('suspend')) return;
    // The connections of the outside do not survive a snapshot.
    this.#cut();
    await this.#machine?.suspend();
    await clock.sleep(transitionMs);
    if (this.#ending.signal.aborted) return;
    this.state = 'SUSPENDED';
    const { idlePolicy } = this.settings;
    if (!idlePolicy) return;
    this.#suspendedTimer = clock.after(
      idlePolicy.suspendedDurationSeconds * 1000,
      () => this.terminate('MicroVM exceeded maximum suspended duration.'),
    );
  }

  async #wake(): Promise<void> {
    if (this.state !== 'SUSPENDED') return;
    this.#suspendedTimer?.cancel();
    await this.#machine?.resume();
    if (await this.#hookFails('resume')) return;
    this.#run();
  }

  async #end(stateReason: string, running: boolean): Promise<void> {
    const { clock, machines, transitionMs } = this.environment;
    this.#cancelTimers();
    const terminate = this.guest.hook('terminate');
    if (running && terminate && this.#machine) await callHook(clock, this.#machine, terminate);
    this.#cut();
    if (this.#machine) await machines.stop(this.#machine);
    await clock.sleep(transitionMs);
    this.state = 'TERMINATED';
    this.stateReason = stateReason;
    this.terminatedAt = clock.now();
  }

  /** Calls a hook if the image has it. A failure terminates the microVM; true: do not go on. */
  async #hookFails(name: HookName): Promise<boolean> {
    if (this.#ending.signal.aborted) return true;
    const hook = this.guest.hook(name);
    if (!hook || !this.#machine) return false;
    const { runHookPayload } = this.settings;
    const payload = runHookPayload === null ? {} : { runHookPayload };
    const body = name === 'run' ? { body: { microvmId: this.id, ...payload } } : {};
    const call = { ...hook, ...body, signal: this.#ending.signal };
    const failure = runtimeHookFailure(call, await callHook(this.environment.clock, this.#machine, call));
    if (this.#ending.signal.aborted) return true;
    if (failure) void this.terminate(failure);
    return failure !== undefined;
  }

  #watchIdle(): void {
    const { clock } = this.environment;
    const { idlePolicy } = this.settings;
    if (!idlePolicy) return;
    const idleMs = idlePolicy.maxIdleDurationSeconds * 1000;
    this.#idleTimer?.cancel();
    this.#idleTimer = clock.after(this.#lastTraffic + idleMs - clock.now(), () => {
      if (this.state !== 'RUNNING') return undefined;
      if (clock.now() - this.#lastTraffic < idleMs) return this.#watchIdle();
      if (idlePolicy.suspendedDurationSeconds === 0) return this.terminate('MicroVM exceeded maximum idle duration.');
      return this.#suspend();
    });
  }

  #onExit(code: number): void {
    if (this.#ending.signal.aborted) return;
    const { clock, transitionMs } = this.environment;
    const reason = `Container Stopped with Exit Code: ${code}`;
    // Whatever was under way is over, and the endpoint answers 502 from here on; the API learns of it later.
    this.#exited = true;
    this.#cut();
    if (this.state === 'PENDING') void this.terminate(reason);
    else clock.after(EXIT_LAG_TRANSITIONS * transitionMs, () => this.terminate(reason));
  }

  #cancelTimers(): void {
    for (const timer of [this.#idleTimer, this.#suspendedTimer, this.#lifetimeTimer]) timer?.cancel();
  }

  #cut(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  /** What the guest writes is logged only if the microVM has a role to log with. */
  #output(): (line: string) => void {
    const { executionRoleArn, logging } = this.settings;
    const { image, version } = this.guest;
    const source = { imageName: image.name, version: version.imageVersion, microvmId: this.id, time: this.startedAt };
    const target = executionRoleArn === null ? undefined : logTarget(logging, source);
    return (line) => {
      if (target) this.environment.logs.write(target.group, target.stream, line);
    };
  }
}

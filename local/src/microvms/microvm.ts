import type { Socket } from 'node:net';
import type { LogSink } from '../api';
import type { Clock, Timer } from '../clock';
import type { MicrovmFaults } from '../faults/microvm-faults';
import type { RoleSession } from '../role-session';
import type { Place } from './arns';
import type { Background } from './background';
import type { Delays } from './delays';
import { invalid, ServiceError } from './errors';
import type { Guest } from './guest';
import { GuestLog } from './guest-log';
import type { HookName } from './hook-settings';
import { callHook, runtimeHookFailure } from './hooks';
import { IdleWatch } from './idle-watch';
import { logTarget } from './log-stream';
import type { Machine } from './machine/machine';
import type { Machines } from './machines';
import { INTERNAL_ERROR, type MicrovmRecord, type MicrovmState } from './microvm-record';
import type { Spares } from './spares';

export type { MicrovmState } from './microvm-record';

export interface MicrovmEnvironment {
  readonly place: Place;
  readonly clock: Clock;
  readonly logs: LogSink;
  readonly machines: Machines;
  readonly spares: Spares;
  readonly background: Background;
  readonly delays: Delays;
  /** A microVM that is suspended for too long is TERMINATED then, or stays as it is. */
  readonly suspendedExpiry: 'exact' | 'lazy';
  readonly faults: MicrovmFaults;
  readonly onWarning: (message: string) => void;
  /** Serves a guest's instance metadata, with the credentials of its role if it has one. */
  metadata(session: RoleSession | undefined): (connection: Socket) => void;
  /** Told once the microVM is TERMINATED. */
  onEnded(microvm: Microvm): void;
}

/** What RunMicrovm starts. */
export interface MicrovmStart {
  readonly record: MicrovmRecord;
  readonly guest: Guest;
  readonly runHookPayload: string | null;
  /** The execution role at work. */
  readonly session: RoleSession | undefined;
}

/** Something of the outside that a suspend or the end of the microVM cuts off. */
interface Cuttable {
  destroy(): void;
}

/** One microVM: its states, its hooks and the limits of its life. */
export class Microvm {
  readonly record: MicrovmRecord;
  readonly guest: Guest;

  readonly #session: RoleSession | undefined;
  readonly #connections = new Set<Cuttable>();
  readonly #ending = new AbortController();
  readonly #idle: IdleWatch;
  #runHookPayload: string | null;
  #machine?: Machine;
  #exited = false;
  #suspendedTimer?: Timer;
  #exitTimer?: Timer;
  readonly #lifetimeTimer: Timer;
  /** The transition under way and those waiting behind it. */
  #transitions: Promise<void> = Promise.resolve();

  constructor(start: MicrovmStart, private readonly environment: MicrovmEnvironment) {
    const { record, guest, runHookPayload, session } = start;
    this.record = record;
    this.guest = guest;
    this.#runHookPayload = runHookPayload;
    this.#session = session;
    const { clock } = environment;
    this.#idle = new IdleWatch(clock, record.settings.idlePolicy, () => this.#onIdle());
    this.#lifetimeTimer = clock.after(
      record.settings.maximumDurationInSeconds * 1000,
      () => this.terminate('MicroVM exceeded maximum lifetime.'),
    );
    void this.#enqueue(() => this.#start());
  }

  get id(): string {
    return this.record.id;
  }

  get state(): MicrovmState {
    return this.record.state;
  }

  get settings(): MicrovmRecord['settings'] {
    return this.record.settings;
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
    const { clock, delays } = this.environment;
    const hooked = this.state === 'RUNNING' && !this.#exited;
    // What ended by itself was noticed late enough.
    const [toldMs, overMs] = this.#exited ? [0, 0] : [delays.terminatingMs, delays.terminatedMs];
    const overAt = clock.now() + overMs;
    this.#ending.abort();
    this.#cancelTimers();
    if (toldMs > 0) clock.after(toldMs, () => this.#tellEnding());
    else this.#tellEnding();
    return this.#enqueue(() => this.#end(stateReason, hooked, overAt));
  }

  /** Makes the microVM die as if its main process had ended with this exit code. */
  async kill(exitCode: number): Promise<void> {
    const machine = this.#machine;
    this.#onExit(exitCode);
    if (machine) await this.environment.machines.stop(machine);
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
    return this.state === 'RUNNING' && !this.#over ? this.#machine : undefined;
  }

  /** Bytes crossed the endpoint: only they keep the microVM from idling. */
  touch(): void {
    this.#idle.touch();
  }

  /** Keeps a connection until it closes by itself or a suspend cuts it. */
  track(connection: Cuttable & { once(event: 'close', listener: () => void): unknown }): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
  }

  /** Nothing of the guest is left to talk to, whatever state is told. */
  get #over(): boolean {
    return this.#exited || this.#ending.signal.aborted;
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
    const { clock, spares, delays, metadata } = this.environment;
    const runningAt = this.record.startedAt + delays.startMs;
    const machine = await spares.take(this.guest, this.#output(), this.#ending.signal);
    if (!machine) return;
    this.#machine = machine;
    void machine.exited.then((code) => this.#onExit(code));
    await machine.serveMetadata(metadata(this.#session));
    await clock.sleep(Math.max(0, runningAt - clock.now()));
    if (await this.#hookFails('run')) return;
    this.#runHookPayload = null;
    this.#run();
    spares.prepare(this.guest);
    const exitCode = this.environment.faults.exitCode(this.id);
    if (exitCode !== undefined) await this.kill(exitCode);
  }

  #run(): void {
    if (this.#over) return;
    this.record.state = 'RUNNING';
    this.#idle.start();
  }

  async #suspend(): Promise<void> {
    if (this.state === 'RUNNING') {
      this.record.state = 'SUSPENDING';
      return this.#enqueue(() => this.#freeze());
    }
    return this.#transitions;
  }

  async #freeze(): Promise<void> {
    const { clock, delays, suspendedExpiry } = this.environment;
    this.#idle.stop();
    if (await this.#hookFails('suspend')) return;
    // The connections of the outside do not survive a snapshot.
    this.#cut();
    if (!this.#exited) await this.#machine?.suspend();
    await clock.sleep(delays.suspendMs);
    if (this.#over) return;
    this.record.state = 'SUSPENDED';
    const { idlePolicy } = this.settings;
    if (!idlePolicy || suspendedExpiry === 'lazy') return;
    this.#suspendedTimer = clock.after(
      idlePolicy.suspendedDurationSeconds * 1000,
      () => this.terminate('MicroVM exceeded maximum suspended duration.'),
    );
  }

  async #wake(): Promise<void> {
    if (this.state !== 'SUSPENDED' || this.#over) return;
    const { clock, delays } = this.environment;
    this.#suspendedTimer?.cancel();
    await this.#machine?.resume();
    if (await this.#hookFails('resume')) return;
    await clock.sleep(delays.resumeMs);
    this.#run();
  }

  #tellEnding(): void {
    if (this.state !== 'TERMINATED') this.record.state = 'TERMINATING';
  }

  async #end(stateReason: string, hooked: boolean, overAt: number): Promise<void> {
    const { clock, machines } = this.environment;
    const terminate = this.guest.hook('terminate');
    if (hooked && !this.#exited && terminate && this.#machine) {
      await callHook(clock, this.#machine, { ...terminate, hangs: this.#hangs('terminate') });
    }
    this.#cut();
    if (this.#machine) await machines.stop(this.#machine);
    this.#machine = undefined;
    this.#runHookPayload = null;
    await clock.sleep(Math.max(0, overAt - clock.now()));
    Object.assign(this.record, { state: 'TERMINATED', stateReason, terminatedAt: clock.now() });
    this.environment.onEnded(this);
  }

  /** Calls a hook if the image has it. A failure terminates the microVM; true: do not go on. */
  async #hookFails(name: HookName): Promise<boolean> {
    if (this.#ending.signal.aborted) return true;
    const hook = this.guest.hook(name);
    if (!hook || !this.#machine || this.#exited) return false;
    const payload = this.#runHookPayload === null ? {} : { runHookPayload: this.#runHookPayload };
    const body = name === 'run' ? { body: { microvmId: this.id, ...payload } } : {};
    const call = { ...hook, ...body, signal: this.#ending.signal, hangs: this.#hangs(name) };
    const failure = runtimeHookFailure(call, await callHook(this.environment.clock, this.#machine, call));
    if (this.#ending.signal.aborted) return true;
    // A main process that ended in the middle is told as that.
    if (failure && !this.#exited) void this.terminate(failure);
    return failure !== undefined;
  }

  #hangs(name: HookName): boolean {
    return this.environment.faults.hangs(name, this.guest.image.name);
  }

  #onIdle(): Promise<void> | undefined {
    if (this.state !== 'RUNNING' || this.#over) return undefined;
    if (this.settings.idlePolicy?.suspendedDurationSeconds === 0) return this.terminate('MicroVM exceeded maximum idle duration.');
    return this.#suspend();
  }

  #onExit(code: number): void {
    if (this.#over) return;
    const { clock, delays } = this.environment;
    const reason = `Container Stopped with Exit Code: ${code}`;
    // Whatever was under way is over, and the endpoint answers 502 from here on; the API learns of it later.
    this.#exited = true;
    this.#cut();
    if (this.state === 'PENDING') void this.terminate(reason);
    else this.#exitTimer = clock.after(delays.exitLagMs, () => this.terminate(reason));
  }

  #cancelTimers(): void {
    this.#idle.stop();
    for (const timer of [this.#suspendedTimer, this.#lifetimeTimer, this.#exitTimer]) timer?.cancel();
  }

  #cut(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  /** What the guest writes is logged only if the microVM has a role to log with. */
  #output(): (line: string) => void {
    const { place, logs } = this.environment;
    const { image, version } = this.guest;
    const { id: microvmId, startedAt: time } = this.record;
    const source = { imageName: image.name, version: version.imageVersion, microvmId, time };
    const target = logTarget(this.settings.logging, source);
    if (!this.#session || !target) return () => undefined;
    const log = new GuestLog(logs, place, target, this.#session);
    return (line) => log.write(line);
  }
}

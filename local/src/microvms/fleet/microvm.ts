import type { Socket } from 'node:net';
import { Connections } from './connections';
import { guestOutput } from './guest-log';
import { IdleWatch } from './idle-watch';
import type { MicrovmEnvironment } from './microvm-environment';
import { MicrovmHooks } from './microvm-hooks';
import { INTERNAL_ERROR, type MicrovmRecord, type MicrovmState, terminatedError } from './microvm-record';
import type { Timer } from '../../clock';
import type { RoleSession } from '../../role-session';
import { exitReason, type Guest } from '../guest/guest';
import type { HookName } from '../images/hook-settings';
import type { Machine } from '../machine/machine';
import { ServiceError } from '../wire/errors';

/** What RunMicrovm starts. */
export interface MicrovmStart {
  readonly record: MicrovmRecord;
  readonly guest: Guest;
  readonly runHookPayload: string | null;
  /** The execution role at work. */
  readonly session: RoleSession | undefined;
  /** Told once the microVM is TERMINATED. */
  readonly onEnded: () => void;
}

/** One microVM: its states, its hooks and the limits of its life. */
export class Microvm {
  readonly record: MicrovmRecord;
  readonly guest: Guest;

  readonly #session: RoleSession | undefined;
  readonly #onEnded: () => void;
  readonly #hooks: MicrovmHooks;
  readonly #connections = new Connections();
  readonly #ending = new AbortController();
  readonly #idle: IdleWatch;
  #machine?: Machine;
  #exited = false;
  #suspendedTimer?: Timer;
  #exitTimer?: Timer;
  readonly #lifetimeTimer: Timer;
  /** The transition under way and those waiting behind it. */
  #transitions: Promise<void> = Promise.resolve();

  constructor(start: MicrovmStart, private readonly environment: MicrovmEnvironment) {
    const { record, guest, runHookPayload, session, onEnded } = start;
    this.record = record;
    this.guest = guest;
    this.#session = session;
    this.#onEnded = onEnded;
    this.#hooks = new MicrovmHooks({ microvmId: record.id, guest, runHookPayload }, environment);
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
    this.#connections.cut();
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
  track(connection: Socket): void {
    this.#connections.track(connection);
  }

  /** Nothing of the guest is left to talk to, whatever state is told. */
  get #over(): boolean {
    return this.#exited || this.#ending.signal.aborted;
  }

  #assertAlive(wanted: string): void {
    if (this.#ending.signal.aborted) throw terminatedError(this.id);
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
    const onOutput = guestOutput(this, this.#session, this.environment);
    const machine = await spares.take(this.guest, onOutput, this.#ending.signal);
    if (!machine) return;
    this.#machine = machine;
    void machine.exited.then((code) => this.#onExit(code));
    await machine.serveMetadata(metadata(this.#session));
    await clock.sleep(Math.max(0, runningAt - clock.now()));
    if (await this.#hookFails('run')) return;
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
    this.#connections.cut();
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
    if (hooked && !this.#exited && this.#machine) await this.#hooks.call('terminate', this.#machine);
    this.#connections.cut();
    if (this.#machine) await machines.stop(this.#machine);
    this.#machine = undefined;
    this.#hooks.forgetPayload();
    await clock.sleep(Math.max(0, overAt - clock.now()));
    Object.assign(this.record, { state: 'TERMINATED', stateReason, terminatedAt: clock.now() });
    this.#onEnded();
  }

  /** Calls a hook if the image has it. A failure terminates the microVM; true: do not go on. */
  async #hookFails(name: HookName): Promise<boolean> {
    const { signal } = this.#ending;
    if (signal.aborted) return true;
    if (!this.#machine || this.#exited) return false;
    const failure = await this.#hooks.call(name, this.#machine, signal);
    if (signal.aborted) return true;
    // A main process that ended in the middle is told as that.
    if (failure && !this.#exited) void this.terminate(failure);
    return failure !== undefined;
  }

  #onIdle(): Promise<void> | undefined {
    if (this.state !== 'RUNNING' || this.#over) return undefined;
    if (this.settings.idlePolicy?.suspendedDurationSeconds === 0) return this.terminate('MicroVM exceeded maximum idle duration.');
    return this.#suspend();
  }

  #onExit(code: number): void {
    if (this.#over) return;
    const { clock, delays } = this.environment;
    const reason = exitReason(code);
    // Whatever was under way is over, and the endpoint answers 502 from here on; the API learns of it later.
    this.#exited = true;
    this.#connections.cut();
    if (this.state === 'PENDING') void this.terminate(reason);
    else this.#exitTimer = clock.after(delays.exitLagMs, () => this.terminate(reason));
  }

  #cancelTimers(): void {
    this.#idle.stop();
    for (const timer of [this.#suspendedTimer, this.#lifetimeTimer, this.#exitTimer]) timer?.cancel();
  }
}

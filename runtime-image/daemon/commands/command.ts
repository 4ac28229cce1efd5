import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { CommandExit, CommandInfo, CommandRequest, Signal } from '../../../client/src/protocol/daemon';
import type { Clock } from '../clock';
import { DaemonError } from '../errors';
import { titleOf } from './command-spec';
import type { OutputType } from './event-log';
import { EventLog } from './event-log';
import { ProcessGroup } from './process-group';
import type { SpawnOptions } from './spawn-process';
import { spawnProcess } from './spawn-process';
import { StdinFeed } from './stdin-feed';
import { Strays } from './strays';

/** From SIGTERM to SIGKILL after a timeout. */
export const GRACE_MS = 2000;

/** Between two looks at whether a group is gone. */
const POLL_MS = 50;

/** How long an ended command waits for processes it left behind to close its output. */
export const LINGER_MS = 1000;

export interface CommandOptions extends SpawnOptions {
  readonly clock: Clock;
  readonly outputBytes: number;
  readonly onOutput: (bytes: number) => void;
  readonly onEnded: () => void;
}

/** One command from its start to its exit event. */
export class Command {
  readonly commandId: string;
  readonly log: EventLog;
  /** Settles when the command has begun; rejects if the sandbox has no room for another process. */
  readonly started: Promise<void>;
  readonly #title: string;
  readonly #startedAt: number;
  readonly #options: CommandOptions;
  readonly #strays = new Strays();
  #pid?: number;
  #group?: ProcessGroup;
  #stdin?: StdinFeed;
  #exit?: CommandExit;
  #leaderExit?: { exitCode: number; signal?: string };
  #outputEnded = false;
  #timedOut = false;
  #killed = false;
  #cancelTimeout?: () => void;

  constructor(request: CommandRequest, options: CommandOptions) {
    this.commandId = request.commandId;
    this.#title = titleOf(request);
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.log = new EventLog(options.outputBytes);
    this.started = this.#start(request);
  }

  get ended(): boolean {
    return this.#exit !== undefined;
  }

  get info(): CommandInfo {
    return {
      commandId: this.commandId,
      ...(this.#pid === undefined ? {} : { pid: this.#pid }),
      command: this.#title,
      startedAt: this.#startedAt,
      ...(this.#exit ? { exit: this.#exit } : {}),
    };
  }

  /** False if it had ended. */
  signal(signal: Signal): boolean {
    return !this.ended && (this.#group?.signal(signal) ?? false);
  }

  /** Signals also what an ended command left running. */
  signalGroup(signal: Signal): void {
    this.#group?.signal(signal);
  }

  async writeStdin(source: AsyncIterable<Buffer>, eof: boolean): Promise<void> {
    if (this.ended) throw new DaemonError('command_conflict', `${this.commandId}: the command has ended and reads no stdin`);
    if (!this.#stdin) {
      throw new DaemonError('invalid_argument', `${this.commandId}: was started without stdin; start it with "stdin": true`);
    }
    await this.#stdin.write(source, eof);
  }

  async #start(request: CommandRequest): Promise<void> {
    const started = await spawnProcess(request, this.#options, this.#strays.mark);
    if ('message' in started) {
      this.log.begin(undefined, this.#startedAt);
      this.log.append('stderr', Buffer.from(started.message));
      this.#end({ exitCode: started.exitCode });
      return;
    }
    const pid = this.#attach(started);
    if (request.timeoutMs !== undefined) {
      this.#cancelTimeout = this.#options.clock.after(request.timeoutMs, () => this.#timeOut(pid));
    }
  }

  #attach(child: ChildProcess): number {
    const { pid } = child;
    if (pid === undefined) throw new Error('a started process has no id');
    this.#pid = pid;
    this.#group = new ProcessGroup(pid);
    if (child.stdin) this.#stdin = new StdinFeed(child.stdin, this.commandId);
    this.log.begin(pid, this.#startedAt);
    this.#collect('stdout', child.stdout);
    this.#collect('stderr', child.stderr);
    child.on('error', () => undefined);
    child.once('exit', (code, signal) => this.#leaderEnded(code, signal));
    child.once('close', () => this.#outputClosed());
    return pid;
  }

  #collect(type: OutputType, stream: Readable | null): void {
    stream?.on('error', () => undefined);
    // After the exit event the pipe is still read: a process left behind must not block on it or die of it.
    stream?.on('data', (data: Buffer) => {
      if (this.ended) return;
      this.log.append(type, data);
      this.#options.onOutput(data.length);
    });
  }

  #timeOut(leader: number): void {
    this.#timedOut = true;
    // First those that left the group: the end of their parents would hide them.
    this.#strays.terminate(leader);
    this.#group?.signal('SIGTERM');
    this.#options.clock.after(GRACE_MS, () => {
      if (this.ended) return;
      this.#killed = true;
      this.#strays.kill(leader);
      this.#group?.signal('SIGKILL');
      this.#settle();
    });
  }

  #leaderEnded(code: number | null, signal: NodeJS.Signals | null): void {
    this.#cancelTimeout?.();
    this.#leaderExit = signal ? { exitCode: 128 + constants.signals[signal], signal } : { exitCode: code ?? 0 };
    // A stall of the daemon must not cost output that lies in the pipe: two turns of the event loop read it.
    this.#options.clock.after(LINGER_MS, () => setImmediate(() => setImmediate(() => this.#outputClosed())));
  }

  #outputClosed(): void {
    this.#outputEnded = true;
    this.#settle();
  }

  #settle(): void {
    if (this.ended || !this.#leaderExit || !this.#outputEnded) return;
    // What ignores the SIGTERM of a timeout is killed before the timeout is reported.
    if (this.#timedOut && !this.#killed && this.#hasProcesses()) {
      this.#options.clock.after(POLL_MS, () => this.#settle());
      return;
    }
    this.#end({ ...this.#leaderExit, ...(this.#timedOut ? { timedOut: true } : {}) });
  }

  #hasProcesses(): boolean {
    return this.#pid !== undefined && (this.#group?.alive === true || this.#strays.any(this.#pid));
  }

  #end(exit: Omit<CommandExit, 'durationMs'>): void {
    this.#exit = { ...exit, durationMs: Math.max(0, this.#options.clock.now() - this.#startedAt) };
    this.log.finish(this.#exit);
    this.#options.onEnded();
  }
}

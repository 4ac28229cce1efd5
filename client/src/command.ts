import { followCommand } from './command-stream';
import type { Daemon } from './daemon';
import type { RequestOptions } from './deadline';
import { CommandExitError, CommandNotFoundError, ConnectionLostError, SandboxError, TimeoutError } from './errors';
import type { CommandEvent } from './event-stream';
import { DEFAULT_MAX_OUTPUT_BYTES, Output } from './output';
import type { CommandRequest, Signal } from './protocol';

/** How a command ended and what it printed. */
export interface CommandResult {
  readonly commandId: string;
  /** 128 plus the signal's number if a signal ended it; 127 if there is no such program, 126 if it cannot be run. */
  readonly exitCode: number;
  readonly signal?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Output is missing: more came than `maxOutputBytes`, or the sandbox had to drop some. */
  readonly truncated: boolean;
  /** The command's `timeoutMs` ended it. */
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** How output is taken. */
export interface OutputOptions {
  /** Gets text as it comes, never with a character cut in two. */
  readonly onStdout?: (chunk: string) => void;
  readonly onStderr?: (chunk: string) => void;
  /**
   * Bytes of stdout, and as many of stderr, to keep for the result. Callbacks get everything.
   *
   * @default 10485760
   */
  readonly maxOutputBytes?: number;
  /** Reject with `CommandExitError` if the exit code is not 0, with `TimeoutError` of scope `command` if `timeoutMs` ended it. */
  readonly throwOnError?: boolean;
}

type AttachOptions = RequestOptions & OutputOptions;

const KILL_TIMEOUT_MS = 5000;

/**
 * A command that was started. While the handle is connected its output streams in, which also keeps the platform from suspending
 * the sandbox for idleness.
 */
export class Command implements AsyncIterable<CommandEvent>, AsyncDisposable {
  /** @internal Attaches to a command, or starts it, and waits until it runs. */
  static async attach(daemon: Daemon, source: CommandSource, options: AttachOptions): Promise<Command> {
    options.signal?.throwIfAborted();
    const command = new Command(daemon, source, options);
    await command.#started;
    return command;
  }

  readonly commandId: string;
  readonly #daemon: Daemon;
  readonly #detach = new AbortController();
  readonly #options: AttachOptions;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #started: Promise<void>;
  readonly #outcome: Promise<CommandResult>;
  #pid?: number;
  #gap = false;
  #givenUp?: { readonly reason: unknown; readonly killed: Promise<void> };

  private constructor(daemon: Daemon, source: CommandSource, options: AttachOptions) {
    const { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
    this.commandId = source.commandId;
    this.#daemon = daemon;
    this.#options = options;
    this.#stdout = new Output(maxOutputBytes, options.onStdout);
    this.#stderr = new Output(maxOutputBytes, options.onStderr);
    let onStart = () => {};
    const started = new Promise<void>((resolve) => { onStart = resolve; });
    this.#outcome = this.#pump(source, onStart);
    // Whoever waits hears of a failure; nobody has to wait.
    this.#outcome.catch(() => {});
    this.#started = Promise.race([started, this.#outcome.then(() => {})]);
    this.#watch(source, options.signal);
  }

  /** Process id inside the sandbox; undefined if the program could not be started. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Waits for the end. `signal` and `requestTimeoutMs` end the wait, not the command. */
  async wait(options: RequestOptions = {}): Promise<CommandResult> {
    const { signal, requestTimeoutMs = Infinity } = options;
    const deadline = this.#daemon.deadline(`waiting for command ${this.commandId}`, { signal, requestTimeoutMs });
    const result = await deadline.attempt(() => this.#outcome);
    if (!this.#options.throwOnError || (result.exitCode === 0 && !result.timedOut)) return result;
    const error = new CommandExitError(result, { sandboxId: this.#daemon.endpoint.sandboxId });
    if (!result.timedOut) throw error;
    throw new TimeoutError('command', `command ${this.commandId} was killed: its timeoutMs were over`, {
      sandboxId: this.#daemon.endpoint.sandboxId, cause: error,
    });
  }

  /** Sends a signal to the command's whole process group. False if it had ended. */
  async kill(signal: Signal = 'SIGKILL', options: RequestOptions = {}): Promise<boolean> {
    return this.#daemon.signalCommand(this.commandId, signal, this.#daemon.deadline(`signal for command ${this.commandId}`, options));
  }

  /** Writes to stdin; only if the command was started with `stdin: true`. Waits while the command does not read. */
  async sendStdin(data: string | Uint8Array, options: RequestOptions = {}): Promise<void> {
    await this.#writeStdin(data, false, options);
  }

  async closeStdin(options: RequestOptions = {}): Promise<void> {
    await this.#writeStdin('', true, options);
  }

  /** Lets go of the command, which runs on; `commands.connect` finds it again. */
  async disconnect(): Promise<void> {
    this.#detach.abort(new ConnectionLostError(`command ${this.commandId}: this handle was disconnected`, { commandId: this.commandId }));
    await this.#outcome.catch(() => {});
  }

  /** Every event from the first one the sandbox still has. Each iteration reads on a connection of its own, at its own pace. */
  async *[Symbol.asyncIterator](): AsyncGenerator<CommandEvent, void, undefined> {
    yield* followCommand(this.#daemon, {
      commandId: this.commandId, signal: this.#detach.signal, requestTimeoutMs: this.#options.requestTimeoutMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  /** @internal Feeds stdin and closes it; a command that does not want it all is no error. */
  async feed(data: string | Uint8Array): Promise<void> {
    const ended = new AbortController();
    void this.#outcome.then(() => ended.abort(), () => ended.abort());
    try {
      await this.#writeStdin(data, true, { signal: ended.signal, requestTimeoutMs: Infinity });
    } catch (error) {
      if (ended.signal.aborted || !(error instanceof SandboxError)) return;
      if (error instanceof ConnectionLostError || error instanceof TimeoutError) throw error;
    }
  }

  /** @internal Kills the command for a caller who has given up, and fails every wait with `reason`. */
  async abandon(reason: unknown): Promise<void> {
    this.#givenUp ??= { reason, killed: this.#killForGood().then(() => this.#detach.abort(reason)) };
    await this.#givenUp.killed;
  }

  async #killForGood(): Promise<void> {
    const { clock } = this.#daemon.endpoint;
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await this.kill('SIGKILL', { requestTimeoutMs: KILL_TIMEOUT_MS });
        return;
      } catch (error) {
        // Its start may still be on its way.
        if (!(error instanceof CommandNotFoundError)) return;
        await clock.sleep(200);
      }
    }
  }

  /** The signal of a run kills the command; that of a connect ends only the attaching. */
  #watch(source: CommandSource, signal: AbortSignal | undefined): void {
    if (!signal) return;
    const onAbort = () => {
      if (source.request) void this.abandon(signal.reason);
      else this.#detach.abort(signal.reason);
    };
    const forget = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    void (source.request ? this.#outcome : this.#started).then(forget, forget);
  }

  async #writeStdin(data: string | Uint8Array, eof: boolean, options: RequestOptions): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    await this.#daemon.writeStdin(this.commandId, bytes, eof, this.#daemon.deadline(`stdin of command ${this.commandId}`, options, false));
  }

  async #pump({ commandId, request }: CommandSource, onStart: () => void): Promise<CommandResult> {
    const { requestTimeoutMs } = this.#options;
    const { signal } = this.#detach;
    for await (const event of followCommand(this.#daemon, { commandId, request, requestTimeoutMs, signal })) {
      switch (event.type) {
        case 'start':
          this.#pid = event.pid;
          onStart();
          break;
        case 'stdout':
          this.#stdout.push(event.data);
          break;
        case 'stderr':
          this.#stderr.push(event.data);
          break;
        case 'gap':
          this.#gap = true;
          break;
        case 'exit':
          if (this.#givenUp) throw this.#givenUp.reason;
          return this.#result(event);
      }
    }
    throw new SandboxError(`command ${commandId}: its events ended without an exit`);
  }

  #result(exit: CommandEvent & { type: 'exit' }): CommandResult {
    this.#stdout.end();
    this.#stderr.end();
    return {
      commandId: this.commandId,
      exitCode: exit.exitCode,
      ...(exit.signal !== undefined && { signal: exit.signal }),
      stdout: this.#stdout.text(),
      stderr: this.#stderr.text(),
      truncated: this.#gap || this.#stdout.truncated || this.#stderr.truncated,
      timedOut: exit.timedOut ?? false,
      durationMs: exit.durationMs,
    };
  }
}

/** @internal */
export interface CommandSource {
  readonly commandId: string;
  /** Absent: the command was started before. */
  readonly request?: CommandRequest;
}

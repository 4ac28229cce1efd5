import { randomUUID } from 'node:crypto';
import { Command, type CommandResult, type OutputOptions } from './command';
import type { Daemon } from './daemon';
import type { RequestOptions } from './deadline';
import { CommandExitError, ConnectionLostError, InvalidArgumentError, TimeoutError } from './errors';
import { type CommandExit, type CommandRequest, type Signal, SIGNALS } from './protocol';

/** A shell line, or a program with its arguments. */
export type CommandLine = string | readonly string[];

/** How to run a command. */
export interface RunOptions extends RequestOptions, OutputOptions {
  /** Start it and return its handle. */
  readonly background?: boolean;
  /** @default - the workspace */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** @default 'sandbox' */
  readonly user?: 'sandbox' | 'root';
  /**
   * The command and all it started are killed after this many milliseconds.
   *
   * @default - no limit
   */
  readonly timeoutMs?: number;
  /**
   * What it reads; `true` leaves stdin open for `sendStdin`.
   *
   * @default - stdin is empty
   */
  readonly stdin?: string | Uint8Array | true;
  /** Your own id: running the same id again attaches to the first run. 1–64 of `[A-Za-z0-9_-]`. */
  readonly commandId?: string;
  /** Kills the command and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A command as the sandbox lists it. */
export interface CommandInfo {
  readonly commandId: string;
  readonly pid?: number;
  /** Cut to 200 characters. */
  readonly command: string;
  readonly startedAt: Date;
  /** Absent while it runs. */
  readonly exit?: CommandExit;
}

/** Runs commands in a sandbox. */
export class Commands {
  readonly #daemon: Daemon;

  /** @internal */
  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /**
   * Runs a command: a string is a shell line, a list is a program with its arguments, without a shell. Resolves when the command
   * ended, whatever its exit code, or with `background` as soon as it runs.
   */
  run(command: CommandLine, options: RunOptions & { readonly background: true }): Promise<Command>;
  run(command: CommandLine, options?: RunOptions & { readonly background?: false }): Promise<CommandResult>;
  async run(command: CommandLine, options: RunOptions = {}): Promise<Command | CommandResult> {
    const request = commandRequest(command, options);
    const started = await this.#start(request, options);
    const { stdin } = options;
    const fed = stdin === undefined || stdin === true ? undefined : started.feed(stdin);
    if (options.background) {
      fed?.catch((error: unknown) => started.abandon(error));
      return started;
    }
    try {
      const [result] = await Promise.all([started.wait(), fed]);
      return result;
    } catch (error) {
      if (!isVerdict(error)) await started.abandon(error);
      throw error;
    }
  }

  /** Attaches to a command that runs or has ended, from its first output that the sandbox still has. */
  async connect(commandId: string, options: RequestOptions & OutputOptions = {}): Promise<Command> {
    checkCommandId(commandId);
    return Command.attach(this.#daemon, { commandId }, options);
  }

  /** The commands that run, and those that ended and are still known. */
  async list(options: RequestOptions = {}): Promise<CommandInfo[]> {
    const commands = await this.#daemon.listCommands(this.#daemon.deadline('list of commands', options));
    return commands.map((command) => ({ ...command, startedAt: new Date(command.startedAt) }));
  }

  /** Sends a signal to a command's whole process group. False if it had ended. */
  async kill(commandId: string, signal: Signal = 'SIGKILL', options: RequestOptions = {}): Promise<boolean> {
    checkCommandId(commandId);
    if (!SIGNALS.includes(signal)) throw new InvalidArgumentError(`signal: ${String(signal)} is none of ${SIGNALS.join(', ')}`);
    return this.#daemon.signalCommand(commandId, signal, this.#daemon.deadline(`signal for command ${commandId}`, options));
  }

  async #start(request: CommandRequest, options: RunOptions): Promise<Command> {
    const { commandId } = request;
    try {
      return await Command.attach(this.#daemon, { commandId, request }, options);
    } catch (error) {
      // Nobody knows the id to find it again by, should it have started after all.
      if (options.commandId === undefined && error instanceof TimeoutError) {
        this.kill(commandId, 'SIGKILL', { requestTimeoutMs: LATE_KILL_MS }).catch(() => {});
      }
      throw error;
    }
  }
}

const LATE_KILL_MS = 5000;
const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether an error is about a command that has ended, or that may be found again. */
function isVerdict(error: unknown): boolean {
  return error instanceof CommandExitError || error instanceof ConnectionLostError ||
    (error instanceof TimeoutError && error.scope === 'command');
}

function checkCommandId(commandId: string): void {
  if (typeof commandId !== 'string' || !COMMAND_ID.test(commandId)) {
    throw new InvalidArgumentError(`commandId: ${JSON.stringify(commandId)} is not 1 to 64 of A-Z, a-z, 0-9, _ and -`);
  }
}

function commandRequest(command: CommandLine, options: RunOptions): CommandRequest {
  const { commandId = randomUUID(), cwd, env, user, timeoutMs, stdin, maxOutputBytes } = options;
  checkCommandId(commandId);
  if (command.length === 0) throw new InvalidArgumentError('command: is empty; pass a shell line, or a program and its arguments');
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && timeoutMs > 0)) {
    throw new InvalidArgumentError(`timeoutMs: ${timeoutMs} is not a whole number of milliseconds above 0; leave it out for no limit`);
  }
  if (maxOutputBytes !== undefined && !(maxOutputBytes >= 0)) {
    throw new InvalidArgumentError(`maxOutputBytes: ${maxOutputBytes} is not a number of bytes`);
  }
  const what = typeof command === 'string' ? { command } : { args: command };
  return { commandId, ...what, cwd, env, user, timeoutMs, ...(stdin !== undefined && { stdin: true }) };
}

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { BootstrapMessage, HandlerError, Invocation } from './bootstrap';
import type { Clock } from '../../clock';
import { LineSplitter } from '../../line-splitter';

/** The newest lines of an invocation that its caller gets. */
const MAX_KEPT_CHARACTERS = 4 * 1024 ** 2;

/** Lambda gives a function's module this long to load. */
const INIT_MS = 10_000;

export interface FunctionProcessOptions {
  readonly clock: Clock;
  readonly bootstrapFile: string;
  /** JSON for the bootstrap. */
  readonly bootstrapOptions: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onLog: (line: string) => void;
  /** When the credentials in the environment are too old for another invocation, in epoch milliseconds. */
  readonly staleAt: number;
}

/** JSON or an error, and the newest lines that were written since the last outcome. */
export interface Outcome {
  readonly result?: string;
  readonly error?: HandlerError;
  readonly logs: string[];
}

/** A running copy of a function: one process, one invocation at a time. */
export class FunctionProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<HandlerError | undefined>;
  readonly exited: Promise<void>;
  #settle?: (outcome: Omit<Outcome, 'logs'>) => void;
  #exit?: string;
  #ending = false;
  /** What the bootstrap tells, and what comes from programs that the handler starts. */
  readonly #told = new LineSplitter((line) => this.#write(line));
  readonly #streams: LineSplitter[] = [];
  #lines: string[] = [];
  #kept = 0;

  constructor(private readonly options: FunctionProcessOptions) {
    this.#child = spawn(process.execPath, [options.bootstrapFile, options.bootstrapOptions], {
      cwd: options.folder,
      env: { ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: what the handler starts ends with it.
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream) this.#read(stream);
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#ended(`could not start: ${error.message}`, resolve));
      this.#child.on('exit', (code, signal) => this.#ended(signal ? `signal: ${signal}` : `exit status ${code}`, resolve));
    });
    this.#ready = new Promise((resolve) => {
      this.#child.on('message', (message: BootstrapMessage | null) => {
        // The handler has the same channel and may send what it likes.
        if (message?.kind === 'ready') resolve(message.error);
        else if (message) this.#receive(message);
      });
      void this.exited.then(() => resolve(undefined));
    });
  }

  /** Whether another invocation may come here. */
  get usable(): boolean {
    return !this.#ending && this.#exit === undefined && this.#child.connected;
  }

  /** Works still, but has to make room for one with newer credentials. */
  get isStale(): boolean {
    return this.options.clock.now() >= this.options.staleAt;
  }

  /** Runs one invocation; a process that is not usable afterwards has ended. */
  async invoke(invocation: Omit<Invocation, 'deadline'>, timeoutSeconds: number): Promise<Outcome> {
    const outcome = await this.#initAndRun(invocation, timeoutSeconds);
    if (this.#ending) await this.exited;
    this.#kept = 0;
    return { ...outcome, logs: this.#lines.splice(0) };
  }

  /** Ends the process and what it started. */
  kill(): void {
    this.#ending = true;
    const { pid } = this.#child;
    if (pid === undefined || this.#exit !== undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async #initAndRun(invocation: Omit<Invocation, 'deadline'>, timeoutSeconds: number): Promise<Omit<Outcome, 'logs'>> {
    const initTimer = this.options.clock.after(Math.max(INIT_MS, timeoutSeconds * 1000), () => this.kill());
    const initError = await this.#ready;
    initTimer.cancel();
    if (initError) {
      this.kill();
      return { error: initError };
    }
    return this.#run(invocation, timeoutSeconds);
  }

  async #run(invocation: Omit<Invocation, 'deadline'>, timeoutSeconds: number): Promise<Omit<Outcome, 'logs'>> {
    const { clock } = this.options;
    const timeoutMs = timeoutSeconds * 1000;
    const outcome = new Promise<Omit<Outcome, 'logs'>>((resolve) => {
      this.#settle = resolve;
    });
    const timer = clock.after(timeoutMs, () => {
      const message = `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      this.#flush();
      this.#write(`${new Date(clock.now()).toISOString()} ${invocation.requestId} ${message}`);
      this.#finish(failure('Sandbox.Timedout', `RequestId: ${invocation.requestId} Error: ${message}`));
      this.kill();
    });
    if (this.usable) this.#child.send({ ...invocation, deadline: clock.now() + timeoutMs });
    void this.exited.then(() => {
      this.#finish(failure('Runtime.ExitError', `RequestId: ${invocation.requestId} Error: Runtime exited with error: ${this.#exit}`));
    });
    const result = await outcome;
    timer.cancel();
    return result;
  }

  #receive(message: BootstrapMessage): void {
    if (message.kind === 'log') this.#told.write(String(message.text));
    if (message.kind !== 'done') return;
    if (message.fatal) this.#ending = true;
    this.#flush();
    this.#finish(message.error ? { error: message.error } : { result: String(message.result ?? 'null') });
  }

  #finish(outcome: Omit<Outcome, 'logs'>): void {
    this.#settle?.(outcome);
    this.#settle = undefined;
  }

  #ended(how: string, resolve: () => void): void {
    this.#exit ??= how;
    this.#flush();
    resolve();
  }

  #read(stream: Readable): void {
    const decoder = new StringDecoder('utf8');
    const lines = new LineSplitter((line) => this.#write(line));
    this.#streams.push(lines);
    stream.on('data', (chunk: Buffer) => lines.write(decoder.write(chunk)));
  }

  #write(line: string): void {
    this.options.onLog(line);
    this.#lines.push(line);
    // Also an empty line takes a place.
    this.#kept += line.length + 1;
    if (this.#kept <= MAX_KEPT_CHARACTERS) return;
    let dropped = 0;
    for (; this.#kept > MAX_KEPT_CHARACTERS / 2; dropped++) this.#kept -= this.#lines[dropped].length + 1;
    this.#lines = this.#lines.slice(dropped);
  }

  #flush(): void {
    for (const lines of [this.#told, ...this.#streams]) lines.end();
  }
}

function failure(errorType: string, errorMessage: string): Omit<Outcome, 'logs'> {
  return { error: { errorType, errorMessage, trace: [] } };
}

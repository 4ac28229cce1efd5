import type { CommandRequest } from '../../../client/src/protocol/daemon';
import type { Clock } from '../clock';
import { DaemonError } from '../errors';
import type { Limits } from '../limits';
import { Command } from './command';
import { fingerprint } from './command-spec';
import type { SpawnOptions } from './spawn-process';

const SWEEP_MS = 30_000;
/** An ended command is kept for at least ten minutes: this many whole sweeps, after the one that was under way. */
const KEPT_SWEEPS = 21;

/** From SIGTERM to SIGKILL when the microVM ends. */
const TERMINATE_GRACE_MS = 1000;

interface Known {
  readonly command: Command;
  readonly fingerprint: string;
  sweeps: number;
}

/** The commands of this microVM, by the ids that callers chose. */
export class CommandRegistry {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #known = new Map<string, Known>();
  #uncheckedBytes = 0;
  #sweeping = false;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get commands(): Command[] {
    return [...this.#known.values()].map(({ command }) => command);
  }

  get running(): number {
    return this.commands.filter((command) => !command.ended).length;
  }

  get(commandId: string): Command {
    const known = this.#known.get(commandId);
    if (known) return known.command;
    throw new DaemonError('command_not_found', `${commandId}: no such command; ended ones are forgotten after ten minutes`);
  }

  /** Starts the command, or finds the one that the same request started. */
  async start(request: CommandRequest, prepare: () => Promise<SpawnOptions>): Promise<Command> {
    const wanted = fingerprint(request);
    let command = this.#find(request.commandId, wanted);
    if (!command) {
      const options = await prepare();
      // The same request may have come again meanwhile.
      command = this.#find(request.commandId, wanted) ?? this.#add(request, wanted, options);
    }
    await command.started;
    return command;
  }

  /** Ends all commands and what they left running; answers when they are gone, or had a second and were killed. */
  async terminateAll(): Promise<void> {
    const commands = this.commands;
    for (const command of commands) command.signalGroup('SIGTERM');
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(TERMINATE_GRACE_MS, resolve);
      const check = () => {
        if (commands.some((command) => !command.ended)) return;
        cancel();
        resolve();
      };
      for (const command of commands) command.log.onChange(check);
      check();
    });
    for (const command of commands) command.signalGroup('SIGKILL');
  }

  #find(commandId: string, wanted: string): Command | undefined {
    const known = this.#known.get(commandId);
    if (!known || known.fingerprint === wanted) return known?.command;
    throw new DaemonError('command_conflict', `commandId: ${commandId} was started with other arguments; choose a new id`);
  }

  #add(request: CommandRequest, wanted: string, options: SpawnOptions): Command {
    this.#requireRoom();
    const { commandId } = request;
    const command = new Command(request, {
      ...options,
      clock: this.#clock,
      outputBytes: this.#limits.commandOutputBytes,
      onOutput: (bytes) => this.#bound(bytes),
      onEnded: () => this.#sweepLater(),
    });
    this.#known.set(commandId, { command, fingerprint: wanted, sweeps: 0 });
    // Forgotten if it never began, so that the same id can be tried again.
    command.started.catch(() => this.#known.delete(commandId));
    return command;
  }

  #requireRoom(): void {
    const { runningCommands, knownCommands } = this.#limits;
    if (this.running >= runningCommands) {
      throw new DaemonError('rate_limited', `${runningCommands} commands run already; wait for one to end`, { retryAfterMs: 1000 });
    }
    if (this.#known.size >= knownCommands) {
      throw new DaemonError(
        'rate_limited', `${knownCommands} commands were started within ten minutes; try later`, { retryAfterMs: SWEEP_MS },
      );
    }
  }

  /** Keeps the output of all commands together within its limit. */
  #bound(bytes: number): void {
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes < this.#limits.totalOutputBytes / 64) return;
    this.#uncheckedBytes = 0;
    let excess = this.commands.reduce((sum, { log }) => sum + log.cost, 0) - this.#limits.totalOutputBytes;
    const ended = this.commands.filter((command) => command.ended);
    const running = this.commands.filter((command) => !command.ended).sort((a, b) => b.log.cost - a.log.cost);
    for (const { ended: hasEnded, log } of [...ended, ...running]) {
      if (excess <= 0) return;
      const before = log.cost;
      log.shrink(hasEnded ? before - excess : Math.floor(before / 2));
      excess -= before - log.cost;
    }
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#sweeping = false;
    for (const [commandId, known] of this.#known) {
      if (!known.command.ended) continue;
      known.sweeps += 1;
      if (known.sweeps > KEPT_SWEEPS) this.#known.delete(commandId);
      else this.#sweepLater();
    }
  }
}

import type { AnswerBody } from './answer-body';
import { backoffMs } from './clock';
import type { Daemon } from './daemon';
import type { Deadline } from './deadline';
import { CommandNotFoundError, ConnectionLostError, TimeoutError } from './errors';
import { type CommandEvent, readEvents } from './event-stream';
import type { CommandRequest } from './protocol';

export interface CommandStreamOptions {
  readonly commandId: string;
  /** Starts the command; absent: it was started before. */
  readonly request?: CommandRequest;
  /** For opening the stream, and for opening it again after each break. */
  readonly requestTimeoutMs?: number;
  /** Ends the stream; the command goes on. */
  readonly signal: AbortSignal;
}

/** A connection that lived this long was no flicker, even if nothing but heartbeats came. */
const STEADY_MS = 5000;

/** All events of a command, each once and in order, over as many connections as it takes. Ends after `exit`. */
export async function* followCommand(
  daemon: Daemon,
  options: CommandStreamOptions,
): AsyncGenerator<CommandEvent, void> {
  const { commandId, requestTimeoutMs, signal } = options;
  const { clock } = daemon.endpoint;
  const freshDeadline = () => daemon.deadline(`command ${commandId}`, { requestTimeoutMs, signal });
  let deadline = freshDeadline();
  let after = 0;
  let seenBy: number | undefined;
  for (let breaks = 0; ; breaks++) {
    const body = await open(daemon, options, { after, seenBy }, deadline);
    seenBy = daemon.endpoint.generation;
    const openedAt = clock.now();
    let cause: unknown;
    try {
      for await (const event of readEvents(body, { after, signal })) {
        if (event.type === 'heartbeat') {
          if (clock.now() - openedAt >= STEADY_MS) breaks = 0;
          continue;
        }
        breaks = 0;
        after = event.seq;
        yield event;
        if (event.type === 'exit') return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isBreak(error)) throw error;
      cause = error;
    }
    if (breaks === 0) deadline = freshDeadline();
    const pauseMs = backoffMs(clock, breaks, 100, 5000);
    if (pauseMs >= deadline.remainingMs) throw lost(commandId, 'its output cannot be reached', cause);
    await clock.sleep(pauseMs, signal);
  }
}

async function open(
  daemon: Daemon,
  { commandId, request }: CommandStreamOptions,
  at: { after: number; seenBy?: number },
  deadline: Deadline,
): Promise<AnswerBody> {
  if (request && at.after === 0) return daemon.startCommand(request, at.seenBy, deadline);
  try {
    return await daemon.commandEvents(commandId, at.after, deadline);
  } catch (error) {
    if (at.seenBy === undefined) throw error;
    if (error instanceof CommandNotFoundError) throw lost(commandId, 'the sandbox knows it no longer', error);
    if (error instanceof TimeoutError) throw lost(commandId, 'its output cannot be reached', error);
    throw error;
  }
}

function isBreak(error: unknown): boolean {
  return error instanceof ConnectionLostError || (error instanceof TimeoutError && error.scope === 'idle');
}

function lost(commandId: string, why: string, cause?: unknown): ConnectionLostError {
  return new ConnectionLostError(`command ${commandId}: its outcome is unknown, ${why}`, { commandId, cause });
}

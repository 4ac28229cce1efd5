import type { OutgoingHttpHeaders } from 'node:http';
import type { AnswerBody } from './answer-body';
import { Deadline, type RequestOptions } from './deadline';
import type { Endpoint } from './endpoint';
import type { EndpointAnswer, EndpointRequest, RequestBody } from './endpoint-request';
import { type CommandInfo as WireCommandInfo, type CommandRequest, type Health, ROUTES, type Signal } from './protocol';
import { parseJson, type Shape } from './shape';

/** A listing of a deep tree is long; anything longer is not a listing. */
const MOST_JSON_BYTES = 32 * 1024 * 1024;

export interface DaemonCall extends Pick<EndpointRequest, 'method' | 'safe' | 'safeWithinGeneration' | 'seenBy' | 'once'> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly json?: unknown;
  readonly body?: RequestBody;
}

/** The daemon's API as calls; `ROUTES` says what each one takes and answers. */
export class Daemon {
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  deadline(what: string, options: RequestOptions = {}, retryable = true): Deadline {
    const { requestTimeoutMs, signal } = options;
    const { clock, sandboxId } = this.endpoint;
    return new Deadline({ requestTimeoutMs, signal, clock, what, retryable, sandboxId });
  }

  /** Sends a call and reads its JSON answer with `read`. */
  async json<T>(call: DaemonCall, deadline: Deadline, read: (answer: Shape) => T): Promise<T> {
    return this.raw(call, deadline, async ({ body }) => {
      const bytes = await body.bytes(MOST_JSON_BYTES, () => {});
      return read(parseJson(bytes.toString('utf8'), 'answer'));
    });
  }

  /** Sends a call that answers nothing. */
  async empty(call: DaemonCall, deadline: Deadline): Promise<void> {
    await this.raw(call, deadline, async ({ body }) => body.release());
  }

  /** Sends a call and hands the answer to `read`. */
  async raw<T>(call: DaemonCall, deadline: Deadline, read: (answer: EndpointAnswer) => Promise<T>): Promise<T> {
    const { method, safe, safeWithinGeneration, seenBy, once } = call;
    const headers: OutgoingHttpHeaders = {};
    let { body } = call;
    if (call.json !== undefined) {
      const bytes = Buffer.from(JSON.stringify(call.json));
      headers['content-type'] = 'application/json';
      body = bytesBody(bytes);
    } else if (body) {
      headers['content-type'] = 'application/octet-stream';
    }
    // What can be sent only once must not meet a sleeping microVM or an expired token.
    const onlyOnce = !(safe || safeWithinGeneration) || body?.replayable === false;
    if (onlyOnce && !this.endpoint.awake) await this.health(deadline);
    const request = { port: 'daemon', method, path: target(call), headers, body, safe, safeWithinGeneration, seenBy, once } as const;
    return this.endpoint.request(request, deadline, read);
  }

  async health(deadline: Deadline, once = false): Promise<Health> {
    return this.json({ method: 'GET', path: ROUTES.health, safe: true, once }, deadline, (answer) => ({
      sandboxId: answer.get('sandboxId').text(128),
      generation: answer.get('generation').integer(1, Number.MAX_SAFE_INTEGER),
      version: answer.get('version').text(128),
      running: answer.get('running').integer(0, Number.MAX_SAFE_INTEGER),
    }));
  }

  /**
   * Starts a command, or attaches to it if it was started already: its id makes that safe, on one and the same microVM.
   * `seenBy` is the generation that may have started it.
   */
  async startCommand(request: CommandRequest, seenBy: number | undefined, deadline: Deadline): Promise<AnswerBody> {
    const call = { method: 'POST', path: ROUTES.commands, json: request, safe: false, safeWithinGeneration: true, seenBy };
    return this.raw(call, deadline, async ({ body }) => body);
  }

  async commandEvents(commandId: string, after: number, deadline: Deadline): Promise<AnswerBody> {
    const call = { method: 'GET', path: `${commandPath(commandId)}/events`, query: { after }, safe: true };
    return this.raw(call, deadline, async ({ body }) => body);
  }

  async listCommands(deadline: Deadline): Promise<WireCommandInfo[]> {
    return this.json({ method: 'GET', path: ROUTES.commands, safe: true }, deadline, (answer) => {
      return answer.get('commands').list().map(readCommandInfo);
    });
  }

  async signalCommand(commandId: string, signal: Signal, deadline: Deadline): Promise<boolean> {
    // A second SIGINT means more than the first to many programs.
    const safe = signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT';
    const call = { method: 'POST', path: `${commandPath(commandId)}/signal`, json: { signal }, safe };
    return this.json(call, deadline, (answer) => answer.get('signalled').flag());
  }

  /** Never repeated once bytes may have arrived: the command would read them twice. */
  async writeStdin(commandId: string, bytes: Uint8Array, eof: boolean, deadline: Deadline): Promise<void> {
    const body = bytesBody(bytes);
    const call = { method: 'POST', path: `${commandPath(commandId)}/stdin`, query: { eof: eof || undefined }, body, safe: false };
    await this.empty(call, deadline);
  }
}

/** Bytes as a body that can be sent again. */
export function bytesBody(bytes: Uint8Array): RequestBody {
  return { chunks: () => slices(bytes), size: bytes.byteLength, replayable: true };
}

/** Cuts bytes so that an upload that moves is seen to move. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.byteLength; start += 65_536) yield bytes.subarray(start, start + 65_536);
}

function commandPath(commandId: string): string {
  return `${ROUTES.commands}/${encodeURIComponent(commandId)}`;
}

function target({ path, query = {} }: DaemonCall): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `${path}?${search}` : path;
}

function readCommandInfo(info: Shape): WireCommandInfo {
  const [pid, exit] = [info.get('pid'), info.get('exit')];
  return {
    commandId: info.get('commandId').text(64),
    pid: pid.absent ? undefined : pid.integer(1, Number.MAX_SAFE_INTEGER),
    command: info.get('command').text(1000),
    startedAt: info.get('startedAt').milliseconds(),
    exit: exit.absent ? undefined : readExit(exit),
  };
}

/** Reads how a command ended. */
export function readExit(exit: Shape): WireCommandInfo['exit'] & object {
  const [signal, timedOut] = [exit.get('signal'), exit.get('timedOut')];
  return {
    exitCode: exit.get('exitCode').integer(0, 255),
    ...(!signal.absent && { signal: signal.text(32, /^SIG[A-Z0-9+-]+$/) }),
    ...(!timedOut.absent && { timedOut: timedOut.flag() }),
    durationMs: exit.get('durationMs').milliseconds(),
  };
}

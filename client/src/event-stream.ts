import type { AnswerBody } from './answer-body';
import { readExit } from './daemon';
import { SandboxError } from './errors';
import type { CommandExit } from './protocol';
import { parseJson, type Shape } from './shape';

/** The daemon sends a heartbeat at least every 15 seconds: three in a row missing is no pause but a dead connection. */
const SILENCE_MS = 45_000;

const LONGEST_LINE = 1024 * 1024;

/** What happens to a command, in order; `seq` grows. */
export type CommandEvent =
  | { readonly seq: number; readonly type: 'start'; readonly pid?: number; readonly startedAt: Date }
  | { readonly seq: number; readonly type: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** The sandbox had to drop this much output before it could be read. */
  | { readonly seq: number; readonly type: 'gap'; readonly droppedBytes: number }
  | ({ readonly seq: number; readonly type: 'exit' } & CommandExit);

/** Reads one connection's worth of events after `after`. Returns after `exit` or where the connection ends. */
export async function* readEvents(
  body: AnswerBody,
  options: { after: number; signal?: AbortSignal },
): AsyncGenerator<CommandEvent | { readonly type: 'heartbeat' }, void, undefined> {
  let { after } = options;
  for await (const line of lines(body.stream({ silenceMs: SILENCE_MS, signal: options.signal }))) {
    const event = readEvent(parseJson(line, 'event'));
    if (event.type !== 'heartbeat') {
      if (event.seq <= after) throw new SandboxError(`malformed answer: event.seq ${event.seq} does not grow, ${after} came before`);
      after = event.seq;
    }
    if (event.type === 'exit') body.release();
    yield event;
    if (event.type === 'exit') return;
  }
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); ; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end < 0 ? undefined : end);
      length += piece.byteLength;
      if (length > LONGEST_LINE) throw new SandboxError(`malformed answer: an event is longer than ${LONGEST_LINE} bytes`);
      pending.push(piece);
      if (end < 0) break;
      if (length > 0) yield Buffer.concat(pending).toString('utf8');
      [pending, length, start] = [[], 0, end + 1];
    }
  }
}

function readEvent(event: Shape): CommandEvent | { readonly type: 'heartbeat' } {
  const type = event.get('type').oneOf(['start', 'stdout', 'stderr', 'gap', 'exit', 'heartbeat']);
  if (type === 'heartbeat') return { type };
  const seq = event.get('seq').integer(1, Number.MAX_SAFE_INTEGER);
  switch (type) {
    case 'start': {
      const pid = event.get('pid');
      const startedAt = new Date(event.get('startedAt').milliseconds());
      return { seq, type, ...(!pid.absent && { pid: pid.integer(1, Number.MAX_SAFE_INTEGER) }), startedAt };
    }
    case 'stdout':
    case 'stderr': {
      const data = event.get('data').text(LONGEST_LINE, /^[A-Za-z0-9+/]*={0,2}$/);
      if (data.length % 4 !== 0) throw new SandboxError('malformed answer: event.data is not base64');
      return { seq, type, data: new Uint8Array(Buffer.from(data, 'base64')) };
    }
    case 'gap':
      return { seq, type, droppedBytes: event.get('droppedBytes').integer(0, Number.MAX_SAFE_INTEGER) };
    case 'exit':
      return { seq, type, ...readExit(event) };
  }
}

import type { CommandEvent, CommandExit } from '../../../client/src/protocol/daemon';

/** Largest piece of output in one event. */
const MAX_CHUNK_BYTES = 32 * 1024;

/** What an event costs beside its bytes, so that many tiny ones are bounded too. */
const EVENT_OVERHEAD_BYTES = 128;

/** Raw output in one batch for a reader. */
const BATCH_BYTES = 64 * 1024;

const MAX_MARKS = 4096;

export type OutputType = 'stdout' | 'stderr';

interface Output {
  readonly seq: number;
  readonly type: OutputType;
  readonly data: Buffer;
}

/** Where a reader stands: behind event `seq`, after `bytes` of output. */
export interface Cursor {
  seq: number;
  bytes: number;
}

/** The events of one command. Output beyond the limit is dropped, oldest first; readers that miss it get a `gap`. */
export class EventLog {
  readonly #limitBytes: number;
  readonly #listeners = new Set<() => void>();
  #start?: CommandEvent & { type: 'start' };
  #exit?: CommandEvent & { type: 'exit' };
  #outputs: Output[] = [];
  /** Outputs before this index are dropped. */
  #head = 0;
  #cost = 0;
  #lastSeq = 0;
  #droppedSeq = 1;
  #droppedBytes = 0;
  /** How many bytes ended at a dropped event, for readers that come back with its number; thinned out as they grow. */
  #marks: Cursor[] = [];
  #markEvery = 1;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Bytes of memory that the kept output takes. */
  get cost(): number {
    return this.#cost;
  }

  begin(pid: number | undefined, startedAt: number): void {
    this.#lastSeq = 1;
    this.#start = { seq: 1, type: 'start', ...(pid === undefined ? {} : { pid }), startedAt };
    this.#notify();
  }

  append(type: OutputType, data: Buffer): void {
    for (let offset = 0; offset < data.length; offset += MAX_CHUNK_BYTES) {
      const piece = data.subarray(offset, offset + MAX_CHUNK_BYTES);
      this.#outputs.push({ seq: ++this.#lastSeq, type, data: piece });
      this.#cost += piece.length + EVENT_OVERHEAD_BYTES;
    }
    this.shrink(this.#limitBytes);
    this.#notify();
  }

  finish(exit: CommandExit): void {
    this.#exit = { seq: ++this.#lastSeq, type: 'exit', ...exit };
    this.#notify();
  }

  /** Drops output until it costs at most this much. */
  shrink(toBytes: number): void {
    while (this.#cost > toBytes && this.#head < this.#outputs.length) {
      const dropped = this.#outputs[this.#head++];
      this.#cost -= dropped.data.length + EVENT_OVERHEAD_BYTES;
      this.#droppedSeq = dropped.seq;
      this.#droppedBytes += dropped.data.length;
      this.#mark();
    }
    if (this.#head > 1024 && this.#head * 2 > this.#outputs.length || this.#head === this.#outputs.length) {
      this.#outputs = this.#outputs.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Where a reader stands that saw everything up to `seq`. */
  cursorAfter(seq: number): Cursor {
    if (seq > this.#droppedSeq) {
      const kept = this.#outputs.slice(this.#head).filter((output) => output.seq <= seq);
      return { seq, bytes: kept.reduce((sum, { data }) => sum + data.length, this.#droppedBytes) };
    }
    return { seq, bytes: this.#marks.filter((mark) => mark.seq <= seq).at(-1)?.bytes ?? 0 };
  }

  /** The next events for a reader, in order, and moves its cursor behind them; none if it has seen all there is. */
  read(cursor: Cursor): CommandEvent[] {
    const events: CommandEvent[] = [];
    if (this.#start && cursor.seq < 1) events.push(this.#advance(cursor, this.#start));
    if (this.#start && cursor.seq < this.#droppedSeq) {
      const droppedBytes = this.#droppedBytes - cursor.bytes;
      events.push(this.#advance(cursor, { seq: this.#droppedSeq, type: 'gap', droppedBytes }));
      cursor.bytes = this.#droppedBytes;
    }
    const firstKept = this.#outputs[this.#head]?.seq ?? this.#lastSeq + 1;
    const until = cursor.bytes + BATCH_BYTES;
    for (let index = this.#head + Math.max(0, cursor.seq + 1 - firstKept); index < this.#outputs.length; index++) {
      if (cursor.bytes >= until) return events;
      const { seq, type, data } = this.#outputs[index];
      events.push(this.#advance(cursor, { seq, type, data: data.toString('base64') }));
      cursor.bytes += data.length;
    }
    if (this.#exit && cursor.seq < this.#exit.seq) events.push(this.#advance(cursor, this.#exit));
    return events;
  }

  /** Calls `listener` whenever there may be more to read, until the answer is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #advance<E extends CommandEvent & { seq: number }>(cursor: Cursor, event: E): E {
    cursor.seq = event.seq;
    return event;
  }

  #mark(): void {
    if (this.#droppedSeq % this.#markEvery !== 0) return;
    this.#marks.push({ seq: this.#droppedSeq, bytes: this.#droppedBytes });
    if (this.#marks.length < MAX_MARKS) return;
    this.#marks = this.#marks.filter((_, index) => index % 2 === 1);
    this.#markEvery *= 2;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

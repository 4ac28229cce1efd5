import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type BodyFraming, framingOf, isCounted } from './body-framing';
import { type Step, StepReader } from './step-reader';

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
/** Bytes that wait to be written before a writer is asked to wait. */
const WRITE_AHEAD_BYTES = 64 * 1024;

/** Where a body goes. */
export interface BodySink {
  readonly to: Conduit;
  /** Told whenever bytes of it pass. */
  readonly onBytes: () => void;
  /** All of a body with a length is on its way. The message of one in chunks ends as any message does. */
  readonly onEnd: () => void;
}

type Place =
  /** All goes to Node's parser. */
  | 'node'
  /** A body that waits for its sink or goes there. */
  | 'raw'
  /** After a raw body with a length, whose end Node's parser never sees. */
  | 'over';

/**
 * A socket as Node's HTTP gets to see it. Node parses the heads, and so decides what a message is; a long body may go to another conduit past
 * Node's parser and streams, which copy it and take it in small pieces. That is so only where bytes that end as a head does, and none after
 * them, made Node announce a message without a byte of its body; otherwise Node gets all there is.
 */
export class Conduit extends Duplex {
  readonly #reader: StepReader;
  readonly #socket: Socket;
  /** What was read and went nowhere yet. */
  readonly #queue: { readonly step: Step; bytes: Buffer }[] = [];
  /** What Node's parser takes only when it has room again. */
  readonly #full: Step[] = [];
  #place: Place = 'node';
  /** The last bytes that Node got, as far as a head may end with the next ones. */
  #tail = NOTHING;
  #advancing = false;
  #judging = false;
  #offered?: IncomingMessage;
  #body?: { readonly message: IncomingMessage; readonly framing: BodyFraming; sink?: BodySink | 'nowhere' };
  #ended = false;
  #closing = false;

  /** Takes a connected socket over: nobody else may use it from now on. */
  constructor(socket: Socket) {
    super({ allowHalfOpen: socket.allowHalfOpen, writableHighWaterMark: WRITE_AHEAD_BYTES });
    this.#reader = new StepReader(socket, (step) => {
      this.#queue.push({ step, bytes: step.bytes });
      this.#advance();
    });
    this.#socket = this.#reader.socket;
    this.#socket.on('error', (error) => this.destroy(error));
    this.#socket.once('end', () => {
      this.#ended = true;
      this.#advance();
    });
    // Bytes that came before a proper end may still wait here for whoever reads them.
    this.#socket.once('close', () => (this.#ended ? undefined : this.destroy()));
    this.#socket.on('timeout', () => this.emit('timeout'));
    if (this.#socket.destroyed) this.destroy();
  }

  /**
   * To be called when Node tells about a message whose body may go past Node; somebody has to call `passBody` then. True: the conduit
   * is of no use after this message.
   */
  offerBody(message: IncomingMessage): boolean {
    if (!this.#judging) return false;
    this.#offered = message;
    return isCounted(framingOf(message));
  }

  /** True: the message's body waits here and not in the message. Known once Node is done with the bytes that made it tell. */
  hasBody(message: IncomingMessage): boolean {
    return this.#body?.message === message;
  }

  /** Passes a body that is here on with its framing, as fast as the other conduit takes it; to nowhere: reads and drops it. */
  passBody(message: IncomingMessage, sink: BodySink | 'nowhere'): void {
    if (this.#body?.message !== message) return;
    this.#body.sink = sink;
    this.#advance();
  }

  /** Emits `timeout` once nothing has moved for so long. 0: never. */
  setTimeout(ms: number, listener?: () => void): this {
    this.#socket.setTimeout(ms);
    if (listener) this.once('timeout', listener);
    return this;
  }

  /** Closes once all is written and a body that is under way has been read: a peer that still sends may not have read the answer. */
  destroySoon(): void {
    this.#closing = true;
    if (this.#place === 'raw') return;
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    for (const step of this.#full.splice(0)) step.release();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.cork();
    chunks.forEach(({ chunk }, index) => this.#socket.write(chunk, index === chunks.length - 1 ? done : undefined));
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** Passes on what was read, as far as somebody takes it. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    for (let next = this.#queue[0]; next && !this.destroyed && !this.#waits(); next = this.#queue[0]) {
      next.bytes = this.#take(next.step, next.bytes);
      if (next.bytes.length > 0) continue;
      this.#queue.shift();
      next.step.release();
    }
    this.#advancing = false;
    if (!this.#ended || this.#queue.length > 0 || this.destroyed) return;
    if (this.#place === 'over') this.destroy();
    else this.push(null);
  }

  #waits(): boolean {
    return this.#place === 'raw' && this.#body?.sink === undefined;
  }

  /** Answers the bytes that are left. */
  #take(step: Step, bytes: Buffer): Buffer {
    if (this.#place === 'node') return this.#takeForNode(step, bytes);
    return this.#place === 'raw' ? this.#takeRaw(step, bytes) : NOTHING;
  }

  #takeForNode(step: Step, bytes: Buffer): Buffer {
    const end = this.#endOfHead(bytes);
    const part = bytes.subarray(0, end ?? bytes.length);
    this.#judging = end !== undefined;
    // The parser keeps what it gets.
    if (!this.push(Buffer.from(part))) {
      step.hold();
      this.#full.push(step);
    }
    this.#judging = false;
    const message = this.#offered;
    this.#offered = undefined;
    // A message that has bytes already ended its head elsewhere.
    const framing = message && !message.complete && message.readableLength === 0 ? framingOf(message) : undefined;
    if (message && framing) {
      this.#body = { message, framing };
      this.#place = 'raw';
    }
    return bytes.subarray(part.length);
  }

  /** Index after the next end of a head, if these bytes, or those before them and these, hold one. */
  #endOfHead(bytes: Buffer): number | undefined {
    const before = HEAD_END.length - 1;
    const across = Buffer.concat([this.#tail, bytes.subarray(0, before)]).indexOf(HEAD_END);
    const at = across >= 0 ? across - this.#tail.length : bytes.indexOf(HEAD_END);
    const found = across >= 0 || at >= 0;
    this.#tail = found ? NOTHING : Buffer.concat([this.#tail, bytes.subarray(-before)]).subarray(-before);
    return found ? at + HEAD_END.length : undefined;
  }

  #takeRaw(step: Step, bytes: Buffer): Buffer {
    const { framing, sink } = this.#body ?? {};
    if (!framing || !sink) return bytes;
    this.#reader.fit(bytes.length);
    try {
      const { ranges, rest } = framing.scan(bytes);
      if (sink !== 'nowhere') passRanges(step, ranges, sink);
      if (rest === undefined) return NOTHING;
      this.#reader.fit(0);
      this.#body = undefined;
      this.#place = isCounted(framing) ? 'over' : 'node';
      if (isCounted(framing) && sink !== 'nowhere') sink.onEnd();
      if (this.#closing) this.destroySoon();
      return rest;
    } catch (error) {
      this.destroy(error as Error);
      return NOTHING;
    }
  }
}

function passRanges(step: Step, ranges: readonly Buffer[], { to, onBytes }: BodySink): void {
  onBytes();
  if (to.destroyed) return;
  to.cork();
  for (const range of ranges) {
    step.hold();
    to.write(range, () => step.release());
  }
  to.uncork();
}

import { Socket } from 'node:net';

/** Enough for heads and for what streams in small pieces. */
const SMALL_BYTES = 64 * 1024;
/** What a body that fills the small buffer is read into. Bytes per call are what a relay's speed depends on. */
const LARGE_BYTES = 256 * 1024;

/** Bytes that were read. The buffer behind them is read into again once everybody who held them has released them. */
export class Step {
  #holds = 1;

  constructor(readonly bytes: Buffer, private readonly free: () => void) {}

  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.free();
  }
}

/**
 * Reads a connection into buffers of its own, one after the other. Node reads 64 KiB at most into a new buffer each time, which costs a
 * proxy half of its speed. Nothing is read while all buffers are held.
 */
export class StepReader {
  readonly socket: Socket;
  readonly #held = new Set<Buffer>();
  #buffers: Buffer[] = [Buffer.allocUnsafeSlow(SMALL_BYTES)];
  /** What the next bytes are read into. */
  #upcoming: Buffer = this.#buffers[0];
  #stopped = false;

  /** `socket` must not be used any more, only `this.socket`. */
  constructor(socket: Socket, private readonly onStep: (step: Step) => void) {
    this.socket = this.#takeOver(socket);
    this.socket.resume();
  }

  /** Reads as much at a time as seems worth it after so many bytes. */
  fit(bytes: number): void {
    const large = this.#buffers.length > 1;
    if (bytes >= SMALL_BYTES && !large) this.#buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(LARGE_BYTES));
    else if (bytes === 0 && large) this.#buffers = [Buffer.allocUnsafeSlow(SMALL_BYTES)];
  }

  /** Only a socket that is made around a connection can be told what to read into, and Node has no public way to get it from another. */
  #takeOver(socket: Socket): Socket {
    const owner = socket as unknown as { _handle?: { reading: boolean; readStop(): void } | null };
    const { _handle: handle } = owner;
    if (!handle) return socket;
    handle.reading = false;
    handle.readStop();
    const early = socket.read() as Buffer | null;
    owner._handle = null;
    // The server that took the connection counts it until its own socket is gone.
    socket.destroy();
    const onread = {
      buffer: () => this.#upcoming,
      callback: (length: number, buffer: Uint8Array) => this.#onRead(length, buffer as Buffer),
    };
    const options = { handle, onread, allowHalfOpen: socket.allowHalfOpen, manualStart: true };
    const taken = new Socket(options as ConstructorParameters<typeof Socket>[0]);
    if (early) queueMicrotask(() => this.onStep(new Step(early, () => undefined)));
    return taken;
  }

  /** False: no more for now. */
  #onRead(length: number, buffer: Buffer): boolean {
    this.#held.add(buffer);
    this.onStep(new Step(buffer.subarray(0, length), () => this.#free(buffer)));
    const free = this.#buffers.find((one) => !this.#held.has(one));
    // The one that was held first is the first one that is released.
    this.#upcoming = free ?? [...this.#held].find((one) => this.#buffers.includes(one)) ?? this.#buffers[0];
    this.#stopped = this.#held.has(this.#upcoming);
    return !this.#stopped;
  }

  #free(buffer: Buffer): void {
    this.#held.delete(buffer);
    if (!this.#stopped || buffer !== this.#upcoming) return;
    this.#stopped = false;
    if (!this.socket.destroyed) this.socket.resume();
  }
}

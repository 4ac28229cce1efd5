/** How much of stdout, and as much of stderr, is kept unless a call says otherwise. */
export const DEFAULT_MAX_OUTPUT_BYTES = 10 * 1024 * 1024;

/** One output of a command: keeps its beginning, and passes all of it on as text. */
export class Output {
  readonly #mostBytes: number;
  readonly #onText?: (chunk: string) => void;
  readonly #decoder = decoder();
  /** Grows by doubling: programs print in tiny pieces, and an object for each would cost far more than its bytes. */
  #kept = Buffer.alloc(0);
  #keptBytes = 0;
  #truncated = false;

  constructor(mostBytes: number, onText?: (chunk: string) => void) {
    this.#mostBytes = mostBytes;
    this.#onText = onText;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  push(data: Uint8Array): void {
    const room = this.#mostBytes - this.#keptBytes;
    if (data.byteLength > room) this.#truncated = true;
    this.#keep(data.subarray(0, room));
    this.#emit(this.#decoder.decode(data, { stream: true }));
  }

  /** Passes on what was held back as the first bytes of a character. */
  end(): void {
    this.#emit(this.#decoder.decode());
  }

  text(): string {
    return decoder().decode(this.#kept.subarray(0, this.#keptBytes));
  }

  #keep(data: Uint8Array): void {
    const size = this.#keptBytes + data.byteLength;
    if (size > this.#kept.byteLength) {
      const larger = Buffer.alloc(Math.min(Math.max(size, 2 * this.#kept.byteLength), this.#mostBytes));
      larger.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = larger;
    }
    this.#kept.set(data, this.#keptBytes);
    this.#keptBytes = size;
  }

  #emit(text: string): void {
    if (text.length > 0) this.#onText?.(text);
  }
}

/** Keeps a leading byte order mark: it is output like any other. */
function decoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

/** A log event of CloudWatch holds 256 KiB, 26 bytes of which are its own. */
export const MAX_EVENT_BYTES = 256 * 1024 - 26;

/** Makes lines of pieces of text. A line that is longer than a log event goes on as several, so that no writer fills the memory. */
export class LineSplitter {
  #rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  write(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#add(text.slice(from, end));
      this.#handOn();
      from = end + 1;
    }
    this.#add(text.slice(from));
  }

  /** The last line needs no newline. */
  end(): void {
    if (this.#rest !== '') this.#handOn();
  }

  #add(text: string): void {
    let rest = text;
    for (let room = MAX_EVENT_BYTES - this.#rest.length; rest.length > room; room = MAX_EVENT_BYTES) {
      this.#rest += rest.slice(0, room);
      rest = rest.slice(room);
      this.#handOn();
    }
    this.#rest += rest;
  }

  #handOn(): void {
    const line = this.#rest;
    this.#rest = '';
    this.onLine(line);
  }
}

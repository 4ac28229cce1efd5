import type { IncomingMessage } from 'node:http';

/** The part of the bytes read that belongs to a body. */
export interface Framed {
  /** To be passed on as they are. */
  readonly ranges: readonly Buffer[];
  /** What comes after them. Undefined: the body goes on. */
  readonly rest?: Buffer;
}

/** Finds the end of a body in the bytes that carry it. */
export interface BodyFraming {
  /** Throws if the bytes break the rules of HTTP. */
  scan(bytes: Buffer): Framed;
}

/** A body with a length. */
export class CountedBody implements BodyFraming {
  constructor(private left: number) {}

  scan(bytes: Buffer): Framed {
    const length = Math.min(this.left, bytes.length);
    this.left -= length;
    const ranges = [bytes.subarray(0, length)];
    return this.left > 0 ? { ranges } : { ranges, rest: bytes.subarray(length) };
  }
}

/** A longer size is nobody's, and a number would not hold it. */
const MAX_SIZE_DIGITS = 12;
const MAX_EXTENSION_BYTES = 4096;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

type Place = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf';

/**
 * A chunked body. Its chunks pass with their framing, but without extensions; the rest begins with the line of the last chunk, which has
 * no bytes and is followed by the trailers.
 */
export class ChunkedBody implements BodyFraming {
  #place: Place = 'size';
  #digits = '';
  #extension = 0;
  #left = 0;

  scan(bytes: Buffer): Framed {
    const ranges: Buffer[] = [];
    const pass = (from: number, to: number): void => {
      if (to > from) ranges.push(bytes.subarray(from, to));
    };
    // Where the bytes begin that are not passed yet, and the line of the chunk, if it begins in these bytes.
    let from = 0;
    let line = -1;
    for (let at = 0; at < bytes.length;) {
      if (this.#place === 'data') {
        const length = Math.min(this.#left, bytes.length - at);
        at += length;
        this.#left -= length;
        if (this.#left === 0) this.#place = 'data-cr';
        continue;
      }
      if (this.#place === 'size' && this.#digits === '') line = at;
      if (!this.#step(bytes[at++])) continue;
      const size = Number.parseInt(this.#digits, 16);
      const plain = line >= 0 && this.#extension === 0;
      if (size === 0 || !plain) pass(from, Math.max(line, 0));
      if (size === 0) return { ranges, rest: plain ? bytes.subarray(line) : Buffer.concat([Buffer.from('0\r\n'), bytes.subarray(at)]) };
      if (!plain) {
        ranges.push(Buffer.from(`${this.#digits}\r\n`));
        from = at;
      }
      this.#left = size;
      this.#digits = '';
      this.#extension = 0;
      line = -1;
    }
    const inLine = this.#place === 'extension' || this.#place === 'size-lf' || (this.#place === 'size' && this.#digits !== '');
    pass(from, inLine ? Math.max(line, 0) : bytes.length);
    return { ranges };
  }

  /** One byte outside of a chunk's data. True: it ends the line of a chunk. */
  #step(byte: number): boolean {
    switch (this.#place) {
      case 'data-cr':
        return this.#expect(byte, CR, 'data-lf');
      case 'data-lf':
        return this.#expect(byte, LF, 'size');
      case 'size-lf':
        this.#expect(byte, LF, 'data');
        return true;
      case 'extension':
        this.#extension += 1;
        if (byte === CR) this.#place = 'size-lf';
        else if (byte === LF || this.#extension > MAX_EXTENSION_BYTES) throw new BrokenBodyError();
        return false;
      default:
        return this.#sizeByte(byte);
    }
  }

  #sizeByte(byte: number): false {
    const digit = String.fromCharCode(byte);
    if (/[0-9a-f]/i.test(digit) && this.#digits.length < MAX_SIZE_DIGITS) {this.#digits += digit;} else if (this.#digits === '') {throw new BrokenBodyError();} else if (byte === CR) {this.#place = 'size-lf';} else if (byte === SEMICOLON) {
      this.#place = 'extension';
      this.#extension = 1;
    } else {throw new BrokenBodyError();}
    return false;
  }

  #expect(byte: number, expected: number, next: Place): false {
    if (byte !== expected) throw new BrokenBodyError();
    this.#place = next;
    return false;
  }
}

export class BrokenBodyError extends Error {
  constructor() {
    super('A chunked body breaks the rules of HTTP');
  }
}

/** Bodies shorter than this are left to Node's parser. */
const MIN_LENGTH = 256 * 1024;

/** Undefined: the body is short, or ends with its connection. */
export function framingOf({ headers }: IncomingMessage): BodyFraming | undefined {
  if (headers['transfer-encoding'] !== undefined) return headers['transfer-encoding'].toLowerCase() === 'chunked' ? new ChunkedBody() : undefined;
  const length = Number(headers['content-length']);
  return length >= MIN_LENGTH ? new CountedBody(length) : undefined;
}

/** A body with a length says nothing at its end. */
export function isCounted(framing: BodyFraming | undefined): boolean {
  return framing instanceof CountedBody;
}

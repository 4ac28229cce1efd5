import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LineSplitter } from '../../line-splitter';

/** A guest that writes without end is not heard out. */
const MAX_TURNS = 1000;

/** Hands on what a stream says line by line; the last line needs no newline. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  const lines = new LineSplitter(onLine);
  stream.on('data', (chunk: Buffer) => lines.write(decoder.write(chunk)));
  // A stream that is destroyed has no end.
  for (const over of ['end', 'close']) {
    stream.on(over, () => {
      lines.write(decoder.end());
      lines.end();
    });
  }
  stream.on('error', () => undefined);
}

/**
 * Resolves once all is handed on that processes wrote which are over by now: node may tell of an end before it reads the last words.
 * Others may hold the pipes open, so the end of the streams need not come; a turn of the event loop that brings nothing does.
 */
export async function readOut(streams: readonly Readable[]): Promise<void> {
  // Pipes of a child process are sockets to node.
  const read = (): number => streams.reduce((sum, stream) => sum + (stream as Socket).bytesRead, 0);
  for (let turn = 0, before = -1; turn < MAX_TURNS && read() !== before; turn++) {
    before = read();
    // Between two of them every stream that has something is read.
    await nextTurn();
    await nextTurn();
  }
}

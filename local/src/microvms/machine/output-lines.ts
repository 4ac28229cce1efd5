import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { LineSplitter } from '../../line-splitter';

/** Hands on what a stream says line by line; the last line needs no newline. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  const lines = new LineSplitter(onLine);
  stream.on('data', (chunk: Buffer) => lines.write(decoder.write(chunk)));
  stream.on('end', () => {
    lines.write(decoder.end());
    lines.end();
  });
  stream.on('error', () => undefined);
}

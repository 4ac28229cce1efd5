import type { Readable } from 'node:stream';
import type { ExtractEvents } from 'tar-stream';
import { extract as newExtract } from 'tar-stream';
import type { DaemonError } from '../errors';
import { invalid } from '../errors';

type Source = ExtractEvents['entry'][1];
type Header = ExtractEvents['entry'][0];

/** Fields as they come: the names that archives carry may be anything, and the numbers NaN. */
export type TarHeader = Omit<Header, 'type' | 'linkname'> & {
  readonly type: Header['type'] | null;
  readonly linkname: string | null;
};

export interface TarEntry {
  readonly header: TarHeader;
  /** To be read or left before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The entries of a tar, one after the other. Stopping early leaves the rest of the source unread. */
export async function* readTar(source: Readable): AsyncGenerator<TarEntry> {
  const extract = newExtract();
  const cut = () => {
    if (!source.readableEnded) extract.destroy(new Error('it ends early'));
  };
  source.once('close', cut);
  source.pipe(extract);
  try {
    for await (const entry of extract) {
      yield { header: entry.header, body: bodyOf(entry) };
      entry.resume();
    }
  } catch (error) {
    throw asRefusal(error);
  } finally {
    source.off('close', cut);
    source.unpipe(extract);
  }
}

async function* bodyOf(entry: Source): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of entry) yield chunk as Uint8Array;
  } catch (error) {
    throw asRefusal(error);
  }
}

function asRefusal(error: unknown): DaemonError {
  return invalid(`the body is not a whole, uncompressed tar archive: ${error instanceof Error ? error.message : 'unreadable'}`);
}

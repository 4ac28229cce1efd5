import { bytesBody } from './daemon';
import type { RequestBody } from './endpoint-request';
import { InvalidArgumentError } from './errors';

/** What can be written to a file or sent to a port. Only a stream cannot be sent again if the connection breaks. */
export type BytesToSend = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

export function requestBody(data: BytesToSend, field: string): RequestBody {
  if (typeof data === 'string') return bytesBody(Buffer.from(data));
  if (data instanceof Uint8Array) return bytesBody(data);
  if (data instanceof Blob) return { chunks: () => chunksOf(data.stream(), field), size: data.size, replayable: true };
  if (data instanceof ReadableStream) return { chunks: () => chunksOf(data, field), replayable: false };
  throw new InvalidArgumentError(`${field}: is none of string, Uint8Array, Blob and ReadableStream`);
}

async function* chunksOf(stream: ReadableStream<Uint8Array>, field: string): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new InvalidArgumentError(`${field}: the stream gave a ${typeof chunk}, not a Uint8Array`);
    yield chunk;
  }
}

/** A web stream of chunks; canceling it ends the generator. */
export function webStream(chunks: AsyncGenerator<Uint8Array, void>, cancel: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    // The generator may be waiting for the network: closing the connection wakes it.
    cancel,
  }, { highWaterMark: 0 });
}

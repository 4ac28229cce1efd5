import { sha256Hex } from './canonical-request';
import type { Signature, SigningKey } from './signature';
import { isEqual } from './signature';

const EMPTY = sha256Hex('');

/** Whether each chunk of an `aws-chunked` body, and the trailer if there is one, has the signature that follows from the one before it. */
export function areChunksSigned(body: Buffer, key: SigningKey, { signature, timestamp }: Signature): boolean {
  let previous = signature;
  for (let position = 0; ;) {
    const chunk = readChunk(body, position);
    if (!chunk) return false;
    const expected = key.sign('AWS4-HMAC-SHA256-PAYLOAD', timestamp, previous, EMPTY, sha256Hex(chunk.data));
    if (!isEqual(expected, chunk.signature)) return false;
    previous = expected;
    position = chunk.end;
    if (chunk.data.length === 0) return isTrailerSigned(body.toString('utf8', position), key, { timestamp, previous });
  }
}

interface Chunk {
  readonly data: Buffer;
  readonly signature: string;
  readonly end: number;
}

/** `<hex size>;chunk-signature=<hex>\r\n<bytes>\r\n`; after the last one, which is empty, come the trailer or the end. */
function readChunk(body: Buffer, position: number): Chunk | undefined {
  const lineEnd = body.indexOf('\r\n', position);
  if (lineEnd < 0 || lineEnd - position > 200) return undefined;
  const match = /^([0-9a-f]{1,8});chunk-signature=([0-9a-f]{64})$/i.exec(body.toString('latin1', position, lineEnd));
  if (!match) return undefined;
  const start = lineEnd + 2;
  const size = parseInt(match[1], 16);
  if (start + size > body.length) return undefined;
  return { data: body.subarray(start, start + size), signature: match[2], end: size === 0 ? start : start + size + 2 };
}

function isTrailerSigned(
  text: string, key: SigningKey, { timestamp, previous }: { timestamp: string; previous: string },
): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length === 0) return true;
  const given = /^x-amz-trailer-signature:([0-9a-f]{64})$/.exec(lines.at(-1) ?? '')?.[1];
  const headers = lines.slice(0, -1).map((line) => `${line}\n`).join('');
  return given !== undefined && isEqual(key.sign('AWS4-HMAC-SHA256-TRAILER', timestamp, previous, sha256Hex(headers)), given);
}

import { ServiceError } from '../service-error';

interface Decoded {
  readonly content: Buffer;
  /** What comes after the last chunk, by name in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** The payload of an `aws-chunked` body. The SDK sends uploads so whenever it adds a checksum. */
export function decodeAwsChunked(body: Buffer): Buffer {
  return decode(body).content;
}

/** The payload of a request in whatever form it was sent, and its headers with those that came behind it. */
export function payloadOf(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): { content: Buffer; headers: Readonly<Record<string, string>> } {
  if (!isAwsChunked(headers)) return { content: body, headers };
  const { content, trailers } = decode(body);
  return { content, headers: { ...headers, ...trailers } };
}

export function isAwsChunked(headers: Readonly<Record<string, string>>): boolean {
  return /\baws-chunked\b/.test(headers['content-encoding'] ?? '') || /^STREAMING-/.test(headers['x-amz-content-sha256'] ?? '');
}

/** `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n`, a chunk of size 0, then trailing checksums. */
function decode(body: Buffer): Decoded {
  const chunks: Buffer[] = [];
  for (let position = 0; ;) {
    const lineEnd = body.indexOf('\r\n', position);
    const size = lineEnd < 0 ? NaN : parseInt(body.toString('latin1', position, lineEnd), 16);
    const start = lineEnd + 2;
    if (!(size >= 0) || start + size > body.length) {
      throw new ServiceError('IncompleteBody', 'The request body is not in aws-chunked form or ends too early.');
    }
    if (size === 0) return { content: Buffer.concat(chunks), trailers: trailersOf(body.toString('latin1', start)) };
    chunks.push(body.subarray(start, start + size));
    position = start + size + 2;
  }
}

function trailersOf(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^(x-amz-checksum-[a-z0-9]+):\s*(\S+)\s*$/i.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1].toLowerCase(), match[2]]] : [])));
}

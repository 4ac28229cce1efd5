import { ServiceError } from '../service-error';

/**
 * The payload of an `aws-chunked` body: `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n`, a chunk of size 0, then trailing checksums.
 * The SDK sends uploads so whenever it adds a checksum.
 */
export function decodeAwsChunked(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let position = 0; ;) {
    const lineEnd = body.indexOf('\r\n', position);
    const size = lineEnd < 0 ? NaN : parseInt(body.toString('latin1', position, lineEnd), 16);
    const start = lineEnd + 2;
    if (!(size >= 0) || start + size > body.length) {
      throw new ServiceError('IncompleteBody', 'The request body is not in aws-chunked form or ends too early.');
    }
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(body.subarray(start, start + size));
    position = start + size + 2;
  }
}

export function isAwsChunked(headers: Readonly<Record<string, string>>): boolean {
  return /\baws-chunked\b/.test(headers['content-encoding'] ?? '') || /^STREAMING-/.test(headers['x-amz-content-sha256'] ?? '');
}

/* eslint-disable no-bitwise -- a CRC is made of nothing else, and Node has none before 20.15 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../service-error';

type Digest = (content: Buffer) => Buffer;

const CRC32 = crcTable(0xedb88320);
const CRC32C = crcTable(0x82f63b78);

/** By the end of the header's name, as in `x-amz-checksum-sha256`. CRC64NVME is taken as it comes. */
const DIGESTS: Readonly<Record<string, Digest>> = {
  crc32: (content) => crc(CRC32, content),
  crc32c: (content) => crc(CRC32C, content),
  sha1: (content) => createHash('sha1').update(content).digest(),
  sha256: (content) => createHash('sha256').update(content).digest(),
};

const HEADER = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/;

/** Checks what the headers and trailers say of the content, and answers the checksums among them. */
export function checkedChecksums(content: Buffer, headers: Readonly<Record<string, string>>): Record<string, string> {
  const md5 = headers['content-md5'];
  if (md5 !== undefined && !equal(createHash('md5').update(content).digest(), md5)) {
    throw new ServiceError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const checksums: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const [, algorithm] = HEADER.exec(name) ?? [];
    if (!algorithm) continue;
    const digest = DIGESTS[algorithm]?.(content);
    if (digest && !equal(digest, value)) {
      throw new ServiceError('BadDigest', `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`);
    }
    checksums[name] = value;
  }
  return checksums;
}

function equal(digest: Buffer, base64: string): boolean {
  const given = Buffer.from(base64, 'base64');
  return given.length === digest.length && timingSafeEqual(given, digest);
}

function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}

function crc(table: Uint32Array, content: Buffer): Buffer {
  let value = 0xffffffff;
  for (const byte of content) value = table[(value ^ byte) & 0xff] ^ (value >>> 8);
  const result = Buffer.alloc(4);
  result.writeUInt32BE((value ^ 0xffffffff) >>> 0);
  return result;
}

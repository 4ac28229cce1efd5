import { createHash } from 'node:crypto';
import { areChunksSigned } from '../../../local/src/iam/chunk-signatures';
import { SigningKey } from '../../../local/src/iam/signature';

// The example of S3's documentation: 65 KiB of the letter a in two chunks.
const signer = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', date: '20130524', region: 'us-east-1', service: 's3' };
const key = new SigningKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', signer);
const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
const signature = { signer, signedHeaders: [], signature: seed, timestamp: '20130524T000000Z' };

const chunk = (data: string, chunkSignature: string) => `${data.length.toString(16)};chunk-signature=${chunkSignature}\r\n${data}\r\n`;
const FIRST = chunk('a'.repeat(65_536), 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648');
const SECOND = chunk('a'.repeat(1024), '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497');
const LAST = chunk('', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9');
const check = (body: string) => areChunksSigned(Buffer.from(body), key, signature);

test('accepts the example of S3\'s documentation', () => {
  expect(check(FIRST + SECOND + LAST)).toBe(true);
});

test('accepts a trailer that is signed, and no other', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const last = key.sign('AWS4-HMAC-SHA256-PAYLOAD', signature.timestamp, seed, empty, empty);
  const hash = createHash('sha256').update('x-amz-checksum-crc32:AAAAAA==\n').digest('hex');
  const trailer = key.sign('AWS4-HMAC-SHA256-TRAILER', signature.timestamp, last, hash);
  const body = `0;chunk-signature=${last}\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:${trailer}\r\n\r\n`;
  expect(check(body)).toBe(true);
  expect(check(body.replace('AAAAAA==', 'BBBBBB=='))).toBe(false);
  expect(check(body.replace(/x-amz-trailer-signature.*\r\n/, ''))).toBe(false);
});

test.each([
  ['a byte that changed', (FIRST + SECOND + LAST).replace('aaa', 'aba')],
  ['chunks in another order', SECOND + FIRST + LAST],
  ['a chunk that is missing', FIRST + LAST],
  ['an end that is missing', FIRST + SECOND],
  ['a size beyond the end', 'ffffffff;chunk-signature=0'],
  ['no chunks', 'plain'],
  ['nothing', ''],
])('fails for %s', (_, body) => {
  expect(check(body)).toBe(false);
});

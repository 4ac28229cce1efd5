import type { IncomingMessage } from 'node:http';
import { type BodyFraming, ChunkedBody, CountedBody, framingOf } from '../../../local/src/conduit/body-framing';

/** What passes of the pieces, and what is left after the body; `undefined` if it does not end. */
function scanAll(framing: BodyFraming, pieces: readonly Buffer[]): { passed: string; rest?: string } {
  let passed = '';
  for (const [index, piece] of pieces.entries()) {
    const { ranges, rest } = framing.scan(piece);
    passed += ranges.map((range) => range.toString('latin1')).join('');
    if (rest) return { passed, rest: Buffer.concat([rest, ...pieces.slice(index + 1)]).toString('latin1') };
  }
  return { passed };
}

/** The text in one piece, byte by byte, and cut in two at each place. */
function cuts(text: string): Buffer[][] {
  const bytes = Buffer.from(text, 'latin1');
  const places = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
  const inTwo = places.map((at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [[bytes], Array.from(bytes, (byte) => Buffer.of(byte)), ...inTwo];
}

describe('a body in chunks', () => {
  test.each([
    ['plain', '3\r\none\r\nA\r\n0123456789\r\n', '3\r\none\r\nA\r\n0123456789\r\n'],
    ['with line ends in the data', '4\r\n\r\n\r\n\r\n', '4\r\n\r\n\r\n\r\n'],
    ['with extensions, which do not pass', '3;a=b\r\none\r\n2\r\nno\r\n1;"x"\r\n!\r\n', '3\r\none\r\n2\r\nno\r\n1\r\n!\r\n'],
    ['without a chunk', '', ''],
  ])('%s passes whole, however it is cut', (_, chunks, expected) => {
    const end = '0\r\nx-trailer: yes\r\n\r\nGET / HTTP/1.1';
    for (const pieces of cuts(`${chunks}${end}`)) expect(scanAll(new ChunkedBody(), pieces)).toEqual({ passed: expected, rest: end });
  });

  test('goes on until its last chunk', () => {
    expect(scanAll(new ChunkedBody(), [Buffer.from('3\r\none\r\n2\r\nt')])).toEqual({ passed: '3\r\none\r\n2\r\nt' });
  });

  test.each([
    ['no size', '\r\n'],
    ['a sign', '+3\r\none\r\n'],
    ['a space', '3 \r\none\r\n'],
    ['a size beyond numbers', '1000000000000\r\n'],
    ['no line end after the data', '3\r\nonetwo'],
    ['half a line end after the data', '3\r\none\rx'],
    ['half a line end after the size', '3\none\n'],
    ['half a line end in an extension', '3;a\nb\r\none\r\n'],
    ['an extension without end', `3;${'a'.repeat(5000)}`],
  ])('fails with %s, however it is cut', (_, text) => {
    const [whole, single] = cuts(text);
    for (const pieces of [whole, single]) expect(() => scanAll(new ChunkedBody(), pieces)).toThrow('A chunked body breaks the rules of HTTP');
  });
});

test('a body with a length passes whole, however it is cut', () => {
  for (const pieces of cuts('0123456789GET')) expect(scanAll(new CountedBody(10), pieces)).toEqual({ passed: '0123456789', rest: 'GET' });
});

test.each([
  ['a long length', { 'content-length': '262144' }, CountedBody],
  ['chunks', { 'transfer-encoding': 'Chunked' }, ChunkedBody],
])('a message with %s has a body to pass', (_, headers, kind) => {
  expect(framingOf({ headers } as unknown as IncomingMessage)).toBeInstanceOf(kind);
});

test.each([
  ['a short length', { 'content-length': '262143' }],
  ['a coding besides chunks', { 'transfer-encoding': 'gzip, chunked' }],
  ['no length', {}],
])('a message with %s is left to the parser', (_, headers) => {
  expect(framingOf({ headers } as unknown as IncomingMessage)).toBeUndefined();
});

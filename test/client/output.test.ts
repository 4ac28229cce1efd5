import { Output } from '../../client/src/output';

test('keeps the beginning, whatever the pieces are', () => {
  const output = new Output(5);
  for (const piece of ['a', '', 'bc', 'def', 'g']) output.push(Buffer.from(piece));
  output.end();
  expect([output.text(), output.truncated]).toEqual(['abcde', true]);
});

test('costs about as much as it keeps, however small the pieces are', () => {
  const output = new Output(1024 * 1024);
  const before = process.memoryUsage();
  for (let count = 0; count < 250_000; count++) {
    for (const piece of [[97], [], [], []]) output.push(new Uint8Array(piece));
  }
  const after = process.memoryUsage();
  expect(output.text().length).toBe(250_000);
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(30_000_000);
});

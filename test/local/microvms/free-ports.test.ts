import { createServer } from 'node:net';
import { giveBackPort, takeFreePort } from '../../../local/src/microvms/machine/free-ports';

const LOWEST_OF_CONNECTIONS = 32_768;

test('ports are given out once, and none that an outgoing connection could take', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, takeFreePort));
  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(LOWEST_OF_CONNECTIONS);
  expect(Math.min(...ports)).toBeGreaterThan(1024);
  ports.forEach(giveBackPort);
});

test('a port that somebody listens on is left out', async () => {
  const before = await takeFreePort();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(before + 1, resolve));
  expect(await takeFreePort()).not.toBe(before + 1);
  await new Promise((resolve) => other.close(resolve));
});

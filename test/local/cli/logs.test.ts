import { getEventListeners } from 'node:events';
import { logs } from '../../../local/src/cli/logs';
import { startTestCloud, type TestCloud } from '../test-cloud';

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
});
afterEach(() => cloud.stop());

test('following looks again and again until it is told to end, and never listens twice for that', async () => {
  const write = (line: string) => cloud.services.logs.write('/microvms', '2026/11/01/[1.0]microvm-00000000-0000-0000-0000-000000000000', line);
  const { endpoint, region, services: { iam: { user } } } = cloud;
  const stop = new AbortController();
  const { signal } = stop;
  const listeners: number[] = [];
  const words = ['two', 'three', 'four'];
  const print = (): void => {
    listeners.push(getEventListeners(signal, 'abort').length);
    const next = words.shift();
    if (next === undefined) stop.abort();
    else write(next);
  };
  write('one');
  await logs({ endpoint, region, ...user }, { follow: true, json: true, print, signal });
  expect(listeners).toEqual([0, 0, 0, 0]);
});

import { ROUTES } from 'microvm-sandbox/protocol';
import { type Benchmark, percentile } from './figure';
import { memoryBesideGuests } from './processes';
import { Stand } from './stand';

const SIZE = 50;
const GIB = 1024 ** 3;

/** 50 microVMs of the sandbox image at once, and what they cost besides their own processes. */
export const fleet: Benchmark = {
  name: 'fleet',
  async run() {
    await using stand = await Stand.start();
    const image = await stand.createSandboxImage();
    const from = performance.now();
    const times: number[] = [];
    const lags = watchGateway(stand);
    const reached = await Promise.all(Array.from({ length: SIZE }, async () => {
      const microvm = await stand.runSandbox(image);
      await stand.untilAnswers(microvm, ROUTES.health);
      times.push(performance.now() - from);
      return microvm;
    }));
    const seconds = (performance.now() - from) / 1000;
    const slowest = Math.max(...await lags());
    const running = (await Promise.all(reached.map(({ id }) => stand.state(id)))).filter((state) => state === 'RUNNING').length;
    const memory = memoryBesideGuests();
    const detail = `${stand.cloud.isolation}; half of them after ${(percentile(times, 0.5) / 1000).toFixed(1)} s`;
    return [
      { name: `${SIZE} microVMs at once: RUNNING and answering`, value: running, unit: 'microVMs', target: { atLeast: SIZE }, detail },
      { name: `${SIZE} microVMs at once: time until the last answers`, value: seconds, unit: 's', target: { atMost: 30 } },
      { name: 'slowest API call meanwhile', value: slowest, unit: 'ms', target: { atMost: 1000 } },
      {
        name: `${SIZE} microVMs: memory besides the guests' processes`,
        value: memory.pss / GIB,
        unit: 'GiB',
        target: { atMost: 4 },
        detail: `PSS of ${memory.processes} processes, this one included`,
      },
    ];
  },
};

/** Asks for the same thing again and again. The answer stops it and tells how long each call took. */
function watchGateway(stand: Stand): () => Promise<number[]> {
  const times: number[] = [];
  let over = false;
  const asking = (async () => {
    while (!over) {
      const from = performance.now();
      await stand.state('microvm-00000000-0000-0000-0000-000000000000').catch(() => undefined);
      times.push(performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return async () => {
    over = true;
    await asking;
    return times;
  };
}

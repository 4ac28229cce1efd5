import type { Benchmark } from './figure';
import { descendantCount, openDescriptors } from './processes';
import { Stand } from './stand';

const ROUNDS = 1000;
const WARM_UP = 100;
/** So many at the same time: more would only wait for each other. */
const WIDTH = 4;
const MIB = 1024 ** 2;

const DOCKERFILE = 'FROM scratch\nCMD ["sleep", "600"]\n';

interface Sample {
  readonly heap: number;
  readonly processes: number;
  readonly descriptors: number;
}

/** Creates and kills microVMs of a tiny image; what the service may forget is forgotten before each look. */
export const rounds: Benchmark = {
  name: 'rounds',
  async run() {
    await using stand = await Stand.start();
    const image = await stand.createImage('tiny', { Dockerfile: DOCKERFILE });
    await play(stand, image, WARM_UP);
    const before = await sample(stand);
    const from = performance.now();
    await play(stand, image, ROUNDS);
    const seconds = (performance.now() - from) / 1000;
    const after = await sample(stand);
    const detail = `${ROUNDS} rounds in ${Math.round(seconds)} s, ${stand.cloud.isolation}`;
    return [
      { name: 'heap grown by the rounds', value: (after.heap - before.heap) / MIB, unit: 'MiB', target: { atMost: 2 }, detail },
      { name: 'processes left by the rounds', value: after.processes - before.processes, unit: 'processes', target: { atMost: 0 } },
      { name: 'descriptors left by the rounds', value: after.descriptors - before.descriptors, unit: 'descriptors', target: { atMost: 0 } },
    ];
  },
};

async function play(stand: Stand, image: string, count: number): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: WIDTH }, async () => {
    while (left-- > 0) {
      const { id } = await stand.run(image);
      await stand.terminate(id);
    }
  }));
}

async function sample(stand: Stand): Promise<Sample> {
  if (!global.gc) throw new Error('rounds: run node with --expose-gc, as npm run bench does');
  // The service tells of a microVM for a day after its end.
  await stand.cloud.clock.advance({ hours: 25 });
  await stand.cloud.microvms.list();
  let descriptors = Number.POSITIVE_INFINITY;
  // Connections and processes that are on their way out go within moments.
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    descriptors = Math.min(descriptors, openDescriptors());
  }
  global.gc();
  return { heap: process.memoryUsage().heapUsed, processes: descendantCount(), descriptors };
}

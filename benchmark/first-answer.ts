import { ROUTES } from 'microvm-sandbox/protocol';
import { type Benchmark, percentile } from './figure';
import { Stand } from './stand';

const RUNS = 25;

/** RunMicrovm to the first 200 from the daemon in it, one microVM after the other, each ended before the next. */
export const firstAnswer: Benchmark = {
  name: 'first-answer',
  async run() {
    await using stand = await Stand.start();
    const image = await stand.createSandboxImage();
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const from = performance.now();
      const reached = await stand.runSandbox(image);
      await stand.untilAnswers(reached, ROUTES.health);
      times.push(performance.now() - from);
      await stand.terminate(reached.id);
    }
    const detail = `${RUNS} runs, ${stand.cloud.isolation}; first ${Math.round(times[0])} ms, slowest ${Math.round(Math.max(...times))} ms`;
    return [
      { name: 'RunMicrovm to first 200, p50', value: percentile(times, 0.5), unit: 'ms', target: { atMost: 250 }, detail },
      { name: 'RunMicrovm to first 200, p95', value: percentile(times, 0.95), unit: 'ms', target: { atMost: 250 } },
    ];
  },
};

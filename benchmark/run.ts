import { deploy } from './deploy';
import type { Benchmark, Figure } from './figure';
import { passes, table } from './figure';
import { firstAnswer } from './first-answer';
import { fleet } from './fleet';
import { proxy } from './proxy';
import { rounds } from './rounds';
import { start } from './start';
import { synth } from './synth';

const BENCHMARKS: readonly Benchmark[] = [synth, start, deploy, firstAnswer, fleet, proxy, rounds];

/** Arguments: names of benchmarks (default: all), `--json` for one JSON object in place of the table. */
async function main(words: readonly string[]): Promise<void> {
  const json = words.includes('--json');
  const names = words.filter((word) => word !== '--json');
  const unknown = names.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) throw new Error(`no benchmark "${unknown.join('", "')}"; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
  const figures: Figure[] = [];
  for (const benchmark of BENCHMARKS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    console.error(`${benchmark.name} ...`);
    figures.push(...await benchmark.run());
  }
  const missed = figures.filter((figure) => !passes(figure));
  const marked = figures.map((figure) => ({ ...figure, pass: passes(figure) }));
  console.log(json ? JSON.stringify({ passed: missed.length === 0, figures: marked }) : table(figures));
  if (missed.length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
});

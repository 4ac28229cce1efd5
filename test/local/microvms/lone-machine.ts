import { startScript } from './machine-probe';
import type { Isolation } from '../../../local/src/microvms';

/** Run as a program of its own: starts a machine, says so, and waits to be killed. Arguments: isolation, mark, `suspended`. */
async function main(): Promise<void> {
  const [isolation, mark, state] = process.argv.slice(2);
  const script = `(setsid sh -c 'sleep ${mark}' &); echo up; while :; do sleep ${mark}; done`;
  const { machine, lines, folder } = await startScript(isolation as Isolation, script);
  while (!lines.includes('up')) await new Promise((resolve) => setTimeout(resolve, 10));
  if (state === 'suspended') await machine.suspend();
  console.log(folder);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

void main();

import { describeEachIsolation } from './isolations';
import { endProbes, processesWith, startScript } from './machine-probe';

afterEach(endProbes);

/** A process that has other things to do: what happens meanwhile is found all at once. */
function busy(): void {
  for (const end = performance.now() + 20; performance.now() < end;);
}

describeEachIsolation((isolation) => {
  test('the last words of many short programs are told before their end', async () => {
    const heard = await Promise.all(Array.from({ length: 30 }, async () => {
      const lines: string[] = [];
      const onOutput = (line: string): void => {
        lines.push(line);
        busy();
      };
      const { machine } = await startScript(isolation, 'sleep 1; echo first; echo second >&2; printf last', { onOutput });
      await machine.exited;
      return lines;
    }));
    expect(heard.map((lines) => [...lines].sort())).toEqual(heard.map(() => ['first', 'last', 'second']));
  });
});

test('a program that ended is not waited for on account of a daemon that holds its output, and its last line is told', async () => {
  const id = `9${Math.floor(Math.random() * 1e9)}.5`;
  const { machine, lines } = await startScript('processes', `env -i setsid sleep ${id} & printf last`);
  try {
    expect(await machine.exited).toBe(0);
    await machine.stop();
    expect(lines).toEqual(['last']);
  } finally {
    for (const pid of processesWith(id)) process.kill(Number(pid), 'SIGKILL');
  }
});

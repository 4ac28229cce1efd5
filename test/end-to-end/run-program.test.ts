import { eventually } from './deployed';
import { runProgram } from './run-program';
import { processesWith } from '../local/cli/program';

const mark = `600.${Math.floor(Math.random() * 1e9)}`;
const hangs = `console.log('so far'); console.error('so good'); require('node:child_process').spawn('sleep', ['${mark}'], { stdio: 'inherit' });`;

afterEach(() => eventually(() => processesWith(mark).length === 0, 'the end of all processes'));

test('answers how a program ended, with what it printed', async () => {
  expect(await runProgram(['-e', 'console.log(1); console.log(2); process.exitCode = 3;'])).toEqual({ exitCode: 3, output: '1\n2\n' });
});

test('fails for a program that hangs, tells what it had printed, and leaves none of its processes', async () => {
  const running = runProgram(['-e', hangs], { limitMs: 2_000 });
  await expect(running).rejects.toThrow(/it did not end within 2 s\. It had printed:\n(?:so far\nso good|so good\nso far)\n$/);
});

test('fails for a program that is ended before its time', async () => {
  const over = new AbortController();
  const running = runProgram(['-e', hangs], { signal: over.signal });
  over.abort();
  await expect(running).rejects.toThrow('it was still running when the test was over');
});

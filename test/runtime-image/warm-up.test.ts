import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from './manual-clock';
import { warmUp, WARM_UP_MS } from '../../runtime-image/daemon/hooks/warm-up';

let root: string;
let workspace: string;
let programs: string;
let journal: string;
const path = process.env.PATH;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'warm-up-'));
  [workspace, programs, journal] = ['workspace', 'bin', 'journal'].map((name) => join(root, name));
  await Promise.all([mkdir(workspace), mkdir(programs), writeFile(journal, '')]);
  process.env.PATH = `${programs}:${path}`;
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(root, { recursive: true, force: true });
});

/** Stands in front of the program of this name. */
async function program(name: string, script: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/bash\n${script}\n`);
  await chmod(join(programs, name), 0o755);
}

/** Notes what the program was asked for, and how it ended. */
const noted = async (name: string) => program(name, `
  PATH='${path}' ${name} "$@"; status=$?
  echo "${name} $1 $status" >> '${journal}'; exit $status
`);

const lines = async () => (await readFile(journal, 'utf8')).split('\n');
const identity = () => ({ name: 'root', home: root });

test('walks what a sandbox does first, and each step succeeds', async () => {
  for (const name of ['git', 'python3', 'node', 'tar', 'gzip', 'grep']) await noted(name);
  await warmUp(workspace, identity(), new ManualClock());

  const walked = await lines();
  expect(walked).toEqual(expect.arrayContaining([
    'git init 0', 'git add 0', 'git -c 0', 'git log 0', 'git diff 0', 'python3 -B 0', 'node --eval 0', 'tar -czf 0', 'tar -xzf 0', 'gzip -dc 0',
    'grep -r 0',
  ]));
  expect(walked.filter((line) => !/ 0$/.test(line))).toEqual(['']);
});

test('leaves nothing behind', async () => {
  await writeFile(join(workspace, 'mine'), 'mine');
  await warmUp(workspace, identity(), new ManualClock());

  expect(await readdir(workspace)).toEqual(['mine']);
  expect((await readdir(root)).sort()).toEqual(['bin', 'journal', 'workspace']);
});

test('skips what the image lacks and what does not work', async () => {
  for (const name of ['git', 'python3', 'node', 'rg']) await program(name, 'exit 127');
  await noted('tar');
  await warmUp(workspace, identity(), new ManualClock());

  expect(await lines()).toContain('tar -xzf 0');
  expect(await readdir(workspace)).toEqual([]);
});

test('ends a program that hangs, with what it started, and tidies up', async () => {
  await program('git', `sleep 1000 & echo "$!" >> '${journal}'; wait`);
  const clock = new ManualClock();
  const done = warmUp(workspace, identity(), clock);
  let text = '';
  while (!/^\d+$/m.test(text)) text = await readFile(journal, 'utf8');
  clock.advance(WARM_UP_MS);
  await done;

  const stat = await readFile(`/proc/${text.split('\n')[0]}/stat`, 'utf8').catch(() => 'gone');
  // Ended, whether or not somebody has asked for its exit code already.
  expect(stat).toMatch(/^gone$|\) [ZX] /);
  expect(await readdir(workspace)).toEqual([]);
});

import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock';
import { ProcessGroup } from '../commands/process-group';
import { spawnProcess } from '../commands/spawn-process';
import type { Identity } from '../identity';

/** Programs that nobody warmed took most of a minute to start the first time. Well within the time that our images give the hook. */
export const WARM_UP_MS = 120_000;

const GIT = 'git -c user.name=warm-up -c user.email=warm-up@localhost -c commit.gpgsign=false';
const PYTHON = `
import importlib, subprocess, sys
for name in ('asyncio', 'csv', 'hashlib', 'json', 'pathlib', 're', 'sqlite3', 'ssl', 'tempfile', 'urllib.request', 'zipfile', 'numpy', 'pandas', 'requests'):
    try: importlib.import_module(name)
    except ImportError: pass
subprocess.run([sys.executable, '-c', 'pass'])
open('text', 'w').write('text')
open('text').read()
`;
const NODE = `
const { execFileSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
require('node:https'); require('node:crypto').createHash('sha256').update('text').digest();
execFileSync(process.execPath, ['--version']);
writeFileSync('text', 'text'); readFileSync('text');
`;

/** What sandboxes do first, as shell lines, each in an empty folder. A line whose program the image lacks ends at once. */
const LINES: Readonly<Record<string, string>> = {
  files: 'mkdir a && echo text > a/b && cp a/b c && cat a/b && ls -la / && grep -r text . && find . | sort | head && sed s/t/x/ c && rm -r a',
  git: `git init -q . && echo text > a && git add a && ${GIT} commit -qm warm-up && git status -s && git log -1 && echo more >> a && git diff`,
  python: 'python3 -B -c "$CODE"',
  node: 'node --eval "$CODE"',
  tar: 'mkdir a b && echo text > a/c && tar -czf d.tgz a && tar -xzf d.tgz -C b && gzip -dc d.tgz > e && cat b/a/c',
  search: 'echo text > a && rg text .',
};
const CODE: Readonly<Record<string, string>> = { python: PYTHON, node: NODE };

/**
 * Walks the paths that a sandbox takes first, as its user and through its login shell: the platform notes which pages of the snapshot
 * a validated microVM touches, and loads those first in every other. What is written lies in a folder of its own, which is removed.
 */
export async function warmUp(workspace: string, identity: Identity, clock: Clock): Promise<void> {
  const folder = await mkdtemp(join(workspace, '.warm-up-'));
  try {
    await own(folder, identity);
    await Promise.all(Object.keys(LINES).map(async (name) => walk(join(folder, name), name, { identity, clock })));
  } finally {
    // A program that was ended may still have been writing.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Walker {
  readonly identity: Identity;
  readonly clock: Clock;
}

async function walk(folder: string, name: string, { identity, clock }: Walker): Promise<void> {
  await mkdir(folder);
  await own(folder, identity);
  const request = { commandId: name, command: LINES[name], env: { CODE: CODE[name] ?? '' } };
  const child = await spawnProcess(request, { cwd: folder, identity, environment: process.env }, 'warm-up');
  if ('message' in child) return;
  child.stdout?.resume();
  child.stderr?.resume();
  const closed = once(child, 'close');
  const group = child.pid === undefined ? undefined : new ProcessGroup(child.pid);
  const cancel = clock.after(WARM_UP_MS, () => group?.signal('SIGKILL'));
  await closed;
  cancel();
  // The API's own reads.
  await readFile(join(folder, 'text')).catch(() => undefined);
}

async function own(folder: string, { switchTo }: Identity): Promise<void> {
  if (switchTo) await chown(folder, switchTo.uid, switchTo.gid);
}

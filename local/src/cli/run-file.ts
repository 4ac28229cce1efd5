import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { endProcessesOf } from '../state/leftovers';
import type { ProcessIdentity } from '../state/process-identity';
import { isAlive, ownIdentity } from '../state/process-identity';

/** A local cloud that runs, as its own run file tells. */
export interface Run extends ProcessIdentity {
  readonly endpoint: string;
  /** Where its files are. */
  readonly folder: string;
  /** What a process needs to use it; holds credentials. */
  readonly env: Readonly<Record<string, string>>;
}

function runFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'microvm-sandbox-local', 'runs');
}

/** Says that this process is a local cloud. The answer takes it back. */
export async function writeRunFile(run: Omit<Run, keyof ProcessIdentity>): Promise<() => Promise<void>> {
  const folder = runFolder();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${process.pid}.json`);
  const temporary = `${file}.new`;
  await writeFile(temporary, JSON.stringify({ ...ownIdentity(), ...run }), { mode: 0o600 });
  await rename(temporary, file);
  return () => rm(file, { force: true });
}

/** The local clouds of this user that live. */
export async function liveRuns(): Promise<Run[]> {
  return (await readRuns()).filter(({ run }) => isAlive(run)).map(({ run }) => run);
}

/** Ends what local clouds that were killed left running, and forgets them. */
export async function endDeadRuns(): Promise<void> {
  for (const { file, run } of (await readRuns()).filter((entry) => !isAlive(entry.run))) {
    await endProcessesOf(run.folder);
    await rm(file, { force: true });
  }
}

async function readRuns(): Promise<{ file: string; run: Run }[]> {
  const folder = runFolder();
  const names = await readdir(folder).catch((): string[] => []);
  const runs = await Promise.all(names.filter((name) => /^\d+\.json$/.test(name)).map(async (name) => {
    const file = join(folder, name);
    const run = parseRun(await readFile(file, 'utf8').catch(() => ''));
    return run ? [{ file, run }] : [];
  }));
  return runs.flat();
}

/** Undefined for what no local cloud wrote. */
function parseRun(text: string): Run | undefined {
  try {
    const run = JSON.parse(text) as Run;
    const strings = [run.startedAt, run.endpoint, run.folder, ...Object.values(run.env)];
    return Number.isSafeInteger(run.pid) && run.pid > 0 && strings.every((value) => typeof value === 'string') ? run : undefined;
  } catch {
    return undefined;
  }
}

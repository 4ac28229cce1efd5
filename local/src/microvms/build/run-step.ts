import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MOUNT_POINTS, runStepScript } from './run-step-script';
import { DEFAULT_PATH } from '../machine/default-path';
import { planGuestRoot } from '../machine/guest-root';
import { readLines } from '../machine/output-lines';
import { Watcher } from '../machine/watcher';

const NAMESPACES = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--kill-child', '--ipc', '--uts'];

export interface RunRequest {
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  onOutput(line: string): void;
}

/** Executes a RUN on the files of an image. Resolves to its exit code. */
export type RunStep = (request: RunRequest) => Promise<number>;

/**
 * Executes RUN in namespaces: its own processes, mounts and an empty network. `folder` holds what a step needs meanwhile; no step sees
 * `hidden`. When `signal` aborts, a step that is under way is killed.
 */
export function namespaceRunStep(folder: string, hidden: readonly string[], signal: AbortSignal): RunStep {
  return async (request) => {
    signal.throwIfAborted();
    await mkdir(folder, { recursive: true });
    const work = await mkdtemp(join(folder, 'run-'));
    const before = MOUNT_POINTS.filter((path) => existsSync(join(request.rootfs, path)));
    try {
      const root = planGuestRoot(hidden);
      const environment = { ...request.environment, PATH: [request.environment.PATH ?? DEFAULT_PATH, ...root.toolPath].join(':') };
      const script = join(work, 'script');
      await writeFile(script, runStepScript({ ...request, environment, root, work: join(work, 'mounts') }), { mode: 0o600 });
      await mkdir(join(work, 'mounts'));
      return await execute(script, work, request, signal);
    } finally {
      await rm(work, { recursive: true, force: true });
      removeMountPoints(request.rootfs, before);
    }
  };
}

async function execute(script: string, work: string, request: RunRequest, signal: AbortSignal): Promise<number> {
  const file = await open(script);
  // The step begins with a line on its input, which comes once somebody watches over it.
  const child = spawn('unshare', [...NAMESPACES, '--', 'sh', '-c', 'read -r _ || exit 1; exec sh /dev/fd/3 </dev/null'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', file.fd, 'pipe'],
    env: { PATH: DEFAULT_PATH },
  });
  const watcher = new Watcher({ groupId: child.pid ?? 0, folder: work });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    const exited = exitCodeOf(child);
    const setUp: string[] = [];
    readLines(child.stdio[4] as Readable, (line) => setUp.push(line));
    for (const stream of [child.stdio[1], child.stdio[2]]) readLines(stream as Readable, request.onOutput);
    child.stdin?.on('error', () => undefined);
    child.stdin?.end('\n');
    const code = await exited;
    signal.throwIfAborted();
    if (setUp.at(-1) !== 'ready') throw new Error(`the namespaces of a RUN step cannot be set up: ${setUp.join(' ')}`);
    return code;
  } finally {
    signal.removeEventListener('abort', kill);
    await watcher.release();
    await file.close();
  }
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('close', (code, ended) => resolve(ended ? 128 + constants.signals[ended] : code ?? 1));
    child.once('error', (error) => reject(new Error(`unshare cannot be started: ${error.message}`)));
  });
}

/** Folders that were made for the step alone. */
function removeMountPoints(rootfs: string, before: readonly string[]): void {
  for (const path of MOUNT_POINTS.filter((each) => !before.includes(each))) {
    try {
      rmdirSync(join(rootfs, path));
    } catch {
      // It has become a part of the image, or is not there.
    }
  }
}

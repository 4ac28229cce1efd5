import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { LOCAL_ROOT_VARIABLE } from 'microvm-sandbox/protocol';

/** Variables that only processes of a local cloud have with a folder of that cloud in them: those of functions and of plain machines. */
const FOLDER_VARIABLES = ['LAMBDA_TASK_ROOT', LOCAL_ROOT_VARIABLE];
/** What forks faster than it is killed is beaten by going over the list again. */
const MAX_PASSES = 50;

/** Kills what a dead local cloud started out of its folder, wherever it moved to: its environment tells. The cloud itself must be dead. */
export async function endProcessesOf(folder: string): Promise<void> {
  const marks = FOLDER_VARIABLES.map((name) => `${name}=${folder}${sep}`);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const left = environments().filter(({ pid, environment }) => (
      pid !== process.pid && environment.some((entry) => marks.some((mark) => entry.startsWith(mark)))
    ));
    if (left.length === 0) return;
    for (const { pid } of left) kill(pid);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Of the processes that this user may look into. */
function environments(): { pid: number; environment: string[] }[] {
  if (process.platform !== 'linux') return psEnvironments();
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return [{ pid: Number(pid), environment: readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0') }];
    } catch {
      return [];
    }
  });
}

function psEnvironments(): { pid: number; environment: string[] }[] {
  const output = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'latin1', maxBuffer: 64 * 1024 ** 2 });
  return output.split('\n').map((line) => ({ pid: Number.parseInt(line, 10), environment: line.split(' ') })).filter(({ pid }) => pid > 0);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself, or another user's.
  }
}

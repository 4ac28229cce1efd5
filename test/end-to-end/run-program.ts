import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly exitCode: number | null;
  /** What the terminal would show. */
  readonly output: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly limitMs?: number;
  /** Ends the program before its time. */
  readonly signal?: AbortSignal;
}

/** Runs a Node.js program to its end. One that does not come to it is killed, and the error tells what it had printed. */
export function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const { cwd, env, signal, limitMs = 100_000 } = options;
  // A group of its own, so that what it starts ends with it.
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
  return new Promise((resolve, reject) => {
    const giveUp = (why: string): void => {
      killGroup(child);
      reject(new Error(`${args.join(' ')}: ${why}. It had printed:\n${output}`));
    };
    const onAbort = (): void => giveUp('it was still running when the test was over');
    const timer = setTimeout(() => giveUp(`it did not end within ${limitMs / 1000} s`), limitMs);
    signal?.addEventListener('abort', onAbort);
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve({ exitCode, output });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

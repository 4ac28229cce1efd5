import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandRequest } from '../../../client/src/protocol/daemon';
import { DaemonError, errnoOf } from '../errors';
import type { Identity } from '../identity';
import { MARK_VARIABLE } from './strays';

/** Makes the kernel end a command, and not the daemon, when memory runs out. */
const OOM_SCORE = '500';

const shell = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].find((file) => existsSync(file));

export interface SpawnOptions {
  /** On this machine. */
  readonly cwd: string;
  readonly identity: Identity;
  /** The environment that the daemon was started with. */
  readonly environment: NodeJS.ProcessEnv;
}

/** A program that could not be started, as a shell would tell it. */
export interface FailedStart {
  readonly exitCode: 126 | 127;
  readonly message: string;
}

/** Starts a command as the leader of its own session and process group. What it starts inherits the mark. */
export async function spawnProcess(
  request: CommandRequest, options: SpawnOptions, mark: string,
): Promise<ChildProcess | FailedStart> {
  const { home, name, switchTo } = options.identity;
  const own = { HOME: home, USER: name, LOGNAME: name };
  const env: NodeJS.ProcessEnv = { ...options.environment, ...own, ...request.env, [MARK_VARIABLE]: mark };
  const [program, ...args] = request.args ?? shellFor(request.command ?? '', env.PATH);
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env,
      stdio: [request.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      detached: true,
      ...switchTo,
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    preferForOutOfMemory(child.pid);
    return child;
  } catch (error) {
    return failedStart(program, error, env.PATH);
  }
}

/** Profiles of login shells set PATH anew; what the image and the caller put there stays in front. */
function shellFor(command: string, path: string | undefined): string[] {
  if (!shell) return ['/bin/sh', '-c', command];
  const kept = path ? `export PATH='${path.replaceAll("'", "'\\''")}'"${'${PATH:+:$PATH}'}"; ` : '';
  return [shell, '-lc', kept + command];
}

function failedStart(program: string, error: unknown, path = ''): FailedStart {
  const code = errnoOf(error);
  switch (code) {
    case 'ENOENT': return notFound(program);
    case 'EACCES': return isMissing(program, path) ? notFound(program) : { exitCode: 126, message: `${program}: permission denied\n` };
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      throw new DaemonError('rate_limited', `the sandbox has no room for another process (${code}); end some`, { retryAfterMs: 1000 });
    default: return { exitCode: 126, message: `${program}: cannot be run (${code ?? 'unknown reason'})\n` };
  }
}

function notFound(program: string): FailedStart {
  return { exitCode: 127, message: `${program}: command not found\n` };
}

/** The system says EACCES also if a folder on the PATH is closed to the user and no other has the program. */
function isMissing(program: string, path: string): boolean {
  return !program.includes('/') && !path.split(':').some((folder) => existsSync(join(folder, program)));
}

function preferForOutOfMemory(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE);
  } catch {
    // It has ended already, or the system has no such file.
  }
}

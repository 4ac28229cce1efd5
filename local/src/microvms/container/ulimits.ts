import { readFile } from 'node:fs/promises';

const MAX_PROCESSES = 32_768;

/**
 * As many open files as the platform grants, and a number of processes that this one may grant: an engine that cannot raise its own
 * limits refuses to start a container with its default.
 */
export async function ulimits(): Promise<string[]> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const own = Number(/^Max processes\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? MAX_PROCESSES);
  const processes = Math.min(own, MAX_PROCESSES);
  return ['--ulimit', 'nofile=1024:1024', '--ulimit', `nproc=${processes}:${processes}`];
}

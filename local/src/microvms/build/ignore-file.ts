import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerBuildError, StepError } from './build-error';
import { IgnorePattern } from './ignore-pattern';

/** Each pattern is held against each file of the context. */
const MAX_BYTES = 64 * 1024;

/** Paths of the context that COPY and ADD do not see. Relative to the context. */
export interface IgnoreRules {
  /** Something below an ignored folder may be there all the same. */
  readonly hasExceptions: boolean;
  ignores(path: string): boolean;
}

export const NOTHING_IGNORED: IgnoreRules = { ignores: () => false, hasExceptions: false };

/** `Dockerfile.dockerignore` takes the place of `.dockerignore`. */
export function readIgnoreFile(context: string): IgnoreRules {
  const name = ['Dockerfile.dockerignore', '.dockerignore'].find((each) => existsSync(join(context, each)));
  if (name === undefined) return NOTHING_IGNORED;
  const stat = statSync(join(context, name));
  if (!stat.isFile()) throw new ContainerBuildError(`${name} is not a file`);
  if (stat.size > MAX_BYTES) throw new ContainerBuildError(`${name} has ${stat.size} bytes; at most ${MAX_BYTES} are allowed`);
  const lines = readFileSync(join(context, name), 'utf8').replace(/^\uFEFF/, '').split('\n');
  try {
    return ignoring(lines.filter((line) => !line.startsWith('#')));
  } catch (error) {
    throw error instanceof StepError ? new ContainerBuildError(`${name}: ${error.message}`) : error;
  }
}

/** Rules of patterns as they stand in a `.dockerignore`; the last one that matches decides. */
export function ignoring(lines: readonly string[]): IgnoreRules {
  const patterns = lines.flatMap((line) => IgnorePattern.of(line) ?? []);
  return {
    ignores: (path) => patterns.reduce((ignored, pattern) => (
      pattern.isException === ignored && pattern.matches(path) ? !pattern.isException : ignored
    ), false),
    hasExceptions: patterns.some(({ isException }) => isException),
  };
}

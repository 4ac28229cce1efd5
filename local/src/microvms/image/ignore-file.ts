import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import dockerignore from '@balena/dockerignore';

/** Paths of the context that COPY and ADD do not see. Relative to the context. */
export interface IgnoreRules {
  /** Something below an ignored folder may be there all the same. */
  readonly hasExceptions: boolean;
  ignores(path: string): boolean;
}

export const NOTHING_IGNORED: IgnoreRules = { ignores: () => false, hasExceptions: false };

/** `Dockerfile.dockerignore` takes the place of `.dockerignore`. */
export function readIgnoreFile(context: string): IgnoreRules {
  const file = ['Dockerfile.dockerignore', '.dockerignore'].map((name) => join(context, name)).find(existsSync);
  return file === undefined ? NOTHING_IGNORED : ignoring(readFileSync(file, 'utf8').split('\n'));
}

/** Rules of patterns as they stand in a `.dockerignore`. */
export function ignoring(patterns: readonly string[]): IgnoreRules {
  const rules = dockerignore().add([...patterns]);
  return {
    ignores: (path) => rules.ignores(path),
    hasExceptions: patterns.some((pattern) => pattern.trimStart().startsWith('!')),
  };
}

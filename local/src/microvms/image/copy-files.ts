/* eslint-disable no-bitwise -- file modes are bit fields */
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { matchPaths } from './path-pattern';
import { resolveInRoot } from './rooted-path';

export interface CopyRequest {
  /** Folder that sources are looked up in. */
  readonly from: string;
  readonly sources: readonly string[];
  /** Root of the image, and an absolute path in it. */
  readonly root: string;
  readonly target: string;
  /** Permission bits for all that is copied. */
  readonly mode?: number;
  /** True for paths, relative to `from`, that are not to be copied. */
  ignored(path: string): boolean;
}

/** COPY and ADD of local files. Throws for a source that is not there. */
export function copyFiles(request: CopyRequest): void {
  const found = request.sources.flatMap((source) => {
    const paths = matchPaths(request.from, source).filter((path) => path === '' || !request.ignored(path));
    if (paths.length === 0) throw new MissingSourceError(source);
    return paths;
  });
  const intoFolder = request.target.endsWith('/') || found.length > 1 || isFolder(resolveInRoot(request.root, request.target));
  for (const path of found) {
    const source = resolveInRoot(request.from, path);
    // A folder gives its contents, a file itself.
    const target = !isFolder(source) && intoFolder ? join(request.target, basename(path)) : request.target;
    copyEntry(request, source, path, target);
  }
}

export class MissingSourceError extends Error {
  constructor(source: string) {
    super(`"${source}" is not there`);
  }
}

function copyEntry(request: CopyRequest, source: string, path: string, target: string): void {
  const stat = lstatSync(source);
  const mode = request.mode ?? stat.mode & 0o777;
  if (stat.isDirectory()) {
    const folder = resolveInRoot(request.root, target);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode | 0o700);
    for (const name of readdirSync(source)) {
      const child = join(path, name);
      if (!request.ignored(child)) copyEntry(request, join(source, name), child, join(target, name));
    }
    return;
  }
  const parent = resolveInRoot(request.root, dirname(target));
  const destination = join(parent, basename(target));
  mkdirSync(parent, { recursive: true });
  rmSync(destination, { force: true });
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(source), destination);
  } else if (stat.isFile()) {
    copyFileSync(source, destination);
    chmodSync(destination, mode | 0o600);
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

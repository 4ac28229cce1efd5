/* eslint-disable no-bitwise -- file modes are bit fields */
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StepError } from './build-error';
import type { DiskRoom } from './disk-room';
import type { IgnoreRules } from './ignore-file';
import { matchPaths } from './path-pattern';
import { resolveInRoot } from './rooted-path';

export interface CopyRequest {
  /** Folder that sources are looked up in. */
  readonly from: string;
  readonly sources: readonly string[];
  /** Root of the image, and an absolute path in it; a folder if it ends with `/`. */
  readonly root: string;
  readonly target: string;
  readonly disk: DiskRoom;
  /** Permission bits for all that is copied. */
  readonly mode?: number;
  /** Folders on the way to a source are made below the target, too. */
  readonly parents: boolean;
  /** Paths, relative to `from`, that are not to be copied. */
  readonly ignored: IgnoreRules;
  /** The same, relative to the source. */
  readonly excluded: IgnoreRules;
  /** Takes a file that is not to be copied as it is. False: it is. */
  unpack?(file: string, folder: string): Promise<boolean>;
}

/** COPY and ADD of local files. Throws for a source that is not there. */
export async function copyFiles(request: CopyRequest): Promise<void> {
  const found = request.sources.flatMap((source) => {
    const paths = matchPaths(request.from, source).filter((path) => {
      const folder = isFolder(resolveInRoot(request.from, path));
      return isWanted(request, { path, inside: folder ? '' : basename(path) }) || (folder && mayHoldWanted(request));
    });
    if (paths.length === 0) throw new MissingSourceError(source);
    return paths;
  });
  const intoFolder = request.target.endsWith('/') || found.length > 1 || isFolder(resolveInRoot(request.root, request.target));
  for (const path of found) {
    const source = resolveInRoot(request.from, path);
    const base = request.parents ? join(request.target, dirname(path)) : request.target;
    if (isFolder(source)) {
      // A folder gives its contents, a file itself.
      copyEntry(request, { source, path, inside: '', target: request.parents ? join(request.target, path) : request.target });
    } else if (!await request.unpack?.(source, request.target)) {
      const target = intoFolder || request.parents ? join(base, basename(path)) : request.target;
      copyEntry(request, { source, path, inside: basename(path), target });
    }
  }
}

export class MissingSourceError extends StepError {
  constructor(source: string) {
    super(`failed to calculate checksum of ref: "${join('/', source)}": not found`);
  }
}

/** Writes a file of the image; links on the way lead nowhere outside of it. */
export function prepareFile(root: string, target: string): string {
  const parent = resolveInRoot(root, dirname(target));
  mkdirSync(parent, { recursive: true });
  const destination = join(parent, basename(target));
  if (isFolder(destination)) throw new StepError(`cannot copy to non-directory: ${target} is a directory`);
  rmSync(destination, { force: true });
  return destination;
}

interface Entry {
  readonly source: string;
  /** Relative to `from`. */
  readonly path: string;
  /** Relative to the source that it is a part of; empty for that itself. */
  readonly inside: string;
  readonly target: string;
}

function copyEntry(request: CopyRequest, entry: Entry): void {
  const { source, target } = entry;
  const stat = lstatSync(source);
  const mode = request.mode ?? stat.mode & 0o7777;
  if (stat.isDirectory()) {
    copyFolder(request, entry, mode);
    return;
  }
  if (!stat.isSymbolicLink() && !stat.isFile()) return;
  const destination = prepareFile(request.root, target);
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(source), destination);
  } else {
    request.disk.take(stat.size);
    copyFileSync(source, destination);
    chmodSync(destination, mode | 0o600);
  }
}

function copyFolder(request: CopyRequest, { source, path, inside, target }: Entry, mode: number): void {
  // An ignored folder is made only for the sake of what is not ignored below it.
  if (isWanted(request, { path, inside })) {
    const folder = resolveInRoot(request.root, target);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
      throw new StepError(`cannot copy to non-directory: ${target}`);
    }
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode | 0o700);
  }
  for (const name of readdirSync(source)) {
    const child = {
      source: join(source, name), path: join(path, name), inside: join(inside, name), target: join(target, name),
    };
    if (isWanted(request, child) || (isFolder(child.source) && mayHoldWanted(request))) copyEntry(request, child);
  }
}

function isWanted({ ignored, excluded }: CopyRequest, { path, inside }: Pick<Entry, 'path' | 'inside'>): boolean {
  return !(path !== '' && ignored.ignores(path)) && !(inside !== '' && excluded.ignores(inside));
}

function mayHoldWanted({ ignored, excluded }: CopyRequest): boolean {
  return ignored.hasExceptions || excluded.hasExceptions;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

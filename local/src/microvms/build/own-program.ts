import { chmodSync, lstatSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, posix } from 'node:path';
import { prepareFile } from './copy-files';
import { copyWords, targetMode } from './copy-step';
import type { Step } from './dockerfile';
import { resolveInRoot } from './rooted-path';
import type { StageState } from './stage-state';

const EXECUTABLE = 0o111;

/**
 * Puts this machine's own program of the same name in the place of one that is copied, from a `bin` or `sbin`, of an image which nobody
 * fetches: a script that runs it. Undefined: what is copied is not a single program that this machine has; else the name of the program.
 */
export function copyOwnProgram(step: Step, state: StageState, escape: string): string | undefined {
  const { sources, target } = copyWords(step, state, escape);
  const [source] = sources;
  // Elsewhere a name says nothing: /etc/passwd is no program.
  if (sources.length !== 1 || !/(?:^|\/)s?bin\/[^/]+$/.test(source)) return undefined;
  const name = basename(source);
  const program = findProgram(name);
  if (program === undefined) return undefined;
  const isFolder = target.endsWith('/') || isDirectory(resolveInRoot(state.rootfs, target));
  const path = isFolder ? posix.join(target, name) : target;
  const script = `#!/bin/sh\nexec '${program.replaceAll('\'', '\'\\\'\'')}' "$@"\n`;
  state.disk.take(script.length);
  const file = prepareFile(state.rootfs, path);
  writeFileSync(file, script, { flag: 'wx' });
  chmodSync(file, targetMode(step, state, escape) ?? 0o755);
  return name;
}

/** On the PATH that guests get, too: without the programs of projects. */
function findProgram(name: string): string | undefined {
  const folders = [dirname(process.execPath), ...(process.env.PATH ?? '').split(':')];
  const usable = folders.filter((folder) => folder.startsWith('/') && !folder.includes('node_modules'));
  const found = usable.map((folder) => posix.join(folder, name)).find(isProgram);
  return found === undefined ? undefined : realpathSync(found);
}

function isProgram(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  // eslint-disable-next-line no-bitwise -- file modes are bit fields
  return stat !== undefined && stat.isFile() && (stat.mode & EXECUTABLE) !== 0;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

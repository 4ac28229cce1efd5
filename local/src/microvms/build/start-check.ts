/* eslint-disable no-bitwise -- file modes are bit fields */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { GuestView } from './guest-view';
import type { LayeredRoot } from './layered-root';
import { readTable } from './user-table';
import type { ImageLayout } from '../images/image-layout';

/** Why the main process of an image cannot start. */
export interface StartProblem {
  /** What a shell would exit with: 126 if it may not run, 127 if it is not there. */
  readonly exitCode: number;
  readonly message: string;
}

/** Looks for what would keep the main process from starting. `complete`: no step was left out that could have made what is missing. */
export function findStartProblem(layout: ImageLayout, view: GuestView, complete: boolean): StartProblem | undefined {
  const { root } = view;
  return findUserProblem(layout, root, complete) ?? findFolderProblem(layout, root) ?? findProgramProblem(layout, view);
}

function findUserProblem({ user }: ImageLayout, root: LayeredRoot, complete: boolean): StartProblem | undefined {
  const [name, group] = (user ?? 'root').split(':');
  if (!complete) return undefined;
  if (!isKnown(name, root, '/etc/passwd')) {
    return { exitCode: 126, message: `unable to find user ${name}: no matching entries in passwd file` };
  }
  if (group && !isKnown(group, root, '/etc/group')) {
    return { exitCode: 126, message: `unable to find group ${group}: no matching entries in group file` };
  }
  return undefined;
}

function isKnown(name: string, root: LayeredRoot, table: string): boolean {
  if (/^\d+$/.test(name) || name === 'root') return true;
  const file = root.find(table);
  return file !== undefined && readTable(file).some(([entry]) => entry === name);
}

function findFolderProblem({ workingDirectory }: ImageLayout, root: LayeredRoot): StartProblem | undefined {
  const folder = root.find(workingDirectory);
  if (folder !== undefined && statSync(folder).isDirectory()) return undefined;
  return { exitCode: 126, message: `the WORKDIR ${workingDirectory} is not a directory` };
}

function findProgramProblem(layout: ImageLayout, { root, toolPath }: GuestView): StartProblem | undefined {
  const { command, environment, workingDirectory } = layout;
  const [program] = command;
  const folders = [...(environment.PATH ?? '').split(':'), ...toolPath];
  const places = program.includes('/') ? [program] : folders.map((folder) => posix.join(folder, program));
  const found = places.flatMap((path) => root.find(posix.resolve(workingDirectory, path)) ?? []);
  const there = found.filter((path) => statSync(path).isFile());
  const file = there.find((path) => (statSync(path).mode & 0o111) !== 0);
  if (there.length === 0) {
    return { exitCode: 127, message: `The program '${program}' that the Dockerfile starts is neither in the image nor on this machine's PATH` };
  }
  if (file === undefined) return { exitCode: 126, message: `The program '${program}' that the Dockerfile starts is not executable` };
  const interpreter = interpreterOf(file);
  if (interpreter === undefined || root.find(interpreter) !== undefined) return undefined;
  return { exitCode: 127, message: `The program '${program}' that the Dockerfile starts needs ${interpreter}, which is not there` };
}

/** The program that runs a script, from its first line. */
function interpreterOf(file: string): string | undefined {
  const head = Buffer.alloc(256);
  const descriptor = openSync(file, 'r');
  try {
    const read = readSync(descriptor, head, 0, head.length, 0);
    return /^#![ \t]*(\/[^\s\0]+)/.exec(head.toString('latin1', 0, read))?.[1];
  } finally {
    closeSync(descriptor);
  }
}

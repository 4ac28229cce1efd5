import { chmodSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { StepError } from './build-error';
import { copyFiles, MissingSourceError, prepareFile } from './copy-files';
import { jsonForm, type Step } from './dockerfile';
import type { Heredoc } from './dockerfile-lines';
import { ignoring, type IgnoreRules, NOTHING_IGNORED } from './ignore-file';
import { resolveInRoot } from './rooted-path';
import { type StageState, variablesOf } from './stage-state';
import { unpackArchive } from './unpack-archive';
import { expand } from './variables';

/** Where COPY takes files from. */
export interface CopyOrigin {
  readonly folder: string;
  readonly ignored: IgnoreRules;
  /** A file that is missing may be due to a step that was left out. */
  readonly incomplete: boolean;
}

/** Does a COPY or ADD. Undefined: done; else why it was left out. */
export async function copyStep(
  step: Step, state: StageState, origin: CopyOrigin, escape: string,
): Promise<string | undefined> {
  const expanded = (text: string): string => expand(text, variablesOf(state), { escape });
  const { sources, target } = copyWords(step, state, escape);
  if (step.keyword === 'ADD' && sources.some(isRemote)) return 'nothing is fetched from elsewhere';
  const mode = modeOf(step, expanded);
  for (const heredoc of step.heredocs) writeHeredoc(heredoc, { state, target, mode, escape });
  if (sources.length === 0) return undefined;
  const unpack = (file: string, folder: string): Promise<boolean> => (
    unpackArchive(file, { root: state.rootfs, target: folder, disk: state.disk })
  );
  const unpacks = step.keyword === 'ADD' && step.flags.get('unpack')?.[0] !== 'false';
  try {
    await copyFiles({
      from: origin.folder,
      sources,
      root: state.rootfs,
      disk: state.disk,
      target,
      mode,
      parents: step.flags.has('parents'),
      ignored: origin.ignored,
      excluded: excluded(step, expanded),
      ...(unpacks ? { unpack } : {}),
    });
    return undefined;
  } catch (error) {
    if (error instanceof MissingSourceError && origin.incomplete) return 'what it copies would come from a step that was left out';
    throw error;
  }
}

/** What a COPY or ADD takes, heredocs left out, and where it puts it: an absolute path, of a folder if it ends with `/`. */
export function copyWords(
  step: Step, state: StageState, escape: string,
): { readonly sources: string[]; readonly target: string } {
  const expanded = (text: string): string => expand(text, variablesOf(state), { escape });
  const words = (jsonForm(step.text) ?? step.text.split(/\s+/)).map(expanded);
  const sources = words.slice(0, -1).filter((word) => !isHeredoc(word));
  return { sources, target: absoluteTarget(state.workingDirectory, words.at(-1) ?? '') };
}

/** The permission bits that a COPY asks for. */
export function targetMode(step: Step, state: StageState, escape: string): number | undefined {
  return modeOf(step, (text) => expand(text, variablesOf(state), { escape }));
}

/** Flags of a COPY or ADD that are read and change nothing here. */
export function withoutEffect(step: Step): readonly string[] {
  const symbolic = step.flags.get('chmod')?.filter((mode) => !isOctal(mode) && !mode.includes('$')) ?? [];
  return [...(step.flags.get('chown') ?? []).map((owner) => `--chown=${owner}`), ...symbolic.map((mode) => `--chmod=${mode}`)];
}

function absoluteTarget(workingDirectory: string, target: string): string {
  const isFolder = /\/\.?$|^\.{1,2}$|\/\.\.$/.test(target);
  const absolute = posix.resolve(workingDirectory, target);
  return isFolder && absolute !== '/' ? `${absolute}/` : absolute;
}

function modeOf(step: Step, expanded: (text: string) => string): number | undefined {
  const [mode] = step.flags.get('chmod') ?? [];
  const value = mode === undefined ? undefined : expanded(mode);
  if (value !== undefined && /^[0-9]+$/.test(value) && !isOctal(value)) {
    throw new StepError(`invalid chmod parameter: '${value}'. it should be octal string and between 0 and 07777`);
  }
  return value !== undefined && isOctal(value) ? Number.parseInt(value, 8) : undefined;
}

function isOctal(mode: string): boolean {
  return /^0?[0-7]{3,4}$/.test(mode);
}

function excluded(step: Step, expanded: (text: string) => string): IgnoreRules {
  const patterns = step.flags.get('exclude');
  return patterns ? ignoring(patterns.map(expanded)) : NOTHING_IGNORED;
}

function isHeredoc(word: string): boolean {
  return /^\d*<<-?[^<\s]+$/.test(word);
}

function isRemote(source: string): boolean {
  return /^(?:https?|ftp|git|ssh):\/\/|^git@/i.test(source);
}

function writeHeredoc(
  { name, content, expands }: Heredoc,
  to: {
    readonly state: StageState;
    readonly target: string;
    readonly mode: number | undefined;
    readonly escape: string;
  },
): void {
  const { state, target, mode = 0o644, escape } = to;
  const path = target.endsWith('/') || target === '/' ? join(target, name) : target;
  const file = prepareFile(state.rootfs, path);
  const text = expands ? expand(content, variablesOf(state), { escape, keepQuotes: true }) : content;
  writeFileSync(file, text, { flag: 'wx' });
  chmodSync(resolveInRoot(state.rootfs, path), mode);
}

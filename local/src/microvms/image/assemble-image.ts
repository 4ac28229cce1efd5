import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ignore from 'ignore';
import { BuildError } from './build-error';
import { type CopyRequest, copyFiles, MissingSourceError } from './copy-files';
import { type Dockerfile, jsonForm, parseDockerfile, type Stage, type Step } from './dockerfile';
import type { ImageLayout } from './image-layout';
import { resolveInRoot } from './rooted-path';
import { expand } from './variables';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a machine runs whose Dockerfile names no program: on the service the base image's own would run. */
const IDLE = ['tail', '-f', '/dev/null'];

/** Steps that only describe the image. */
const DESCRIPTIONS = ['LABEL', 'MAINTAINER', 'VOLUME', 'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD'];

export interface AssembledImage {
  readonly layout: ImageLayout;
  /** Where the files are. */
  readonly rootfs: string;
  /** Steps that need a container engine, and so were not done. */
  readonly leftOut: readonly string[];
}

interface StageState {
  readonly rootfs: string;
  environment: Record<string, string>;
  args: Record<string, string>;
  workingDirectory: string;
  shell: string[];
  command?: string[];
  entrypoint?: { readonly words: string[]; readonly takesCommand: boolean };
  ports: number[];
  user?: string;
}

/** Puts the files and settings of a Dockerfile together without running anything. `context` holds the unpacked artifact. */
export function assembleImage(context: string, folder: string): AssembledImage {
  const path = join(context, 'Dockerfile');
  if (!existsSync(path)) {
    throw new BuildError('ARCHIVE_DOCKERFILE_NOT_FOUND: The artifact has no Dockerfile at its root.');
  }
  return new Assembly(parseDockerfile(readFileSync(path, 'utf8')), context, folder).run();
}

class Assembly {
  readonly #leftOut: string[] = [];
  readonly #built: { readonly stage: Stage; readonly state: StageState }[] = [];
  readonly #ignored: (path: string) => boolean;

  constructor(
    private readonly dockerfile: Dockerfile,
    private readonly context: string,
    private readonly folder: string,
  ) {
    this.#ignored = readIgnoreFile(context);
  }

  run(): AssembledImage {
    const globals: Record<string, string> = {};
    for (const step of this.dockerfile.globals) this.#setArgs(step, globals, globals, {});
    for (const stage of this.dockerfile.stages) {
      const state = this.#begin(stage, globals);
      for (const step of stage.steps) this.#apply(step, state, globals);
      this.#built.push({ stage, state });
    }
    const last = this.#built[this.#built.length - 1].state;
    return { layout: this.#layout(last), rootfs: last.rootfs, leftOut: this.#leftOut };
  }

  #begin(stage: Stage, globals: Readonly<Record<string, string>>): StageState {
    const rootfs = join(this.folder, `stage-${this.#built.length}`);
    mkdirSync(rootfs, { recursive: true });
    const base = this.#earlier(expand(stage.from, globals));
    if (!base) return { rootfs, environment: { PATH: DEFAULT_PATH }, args: {}, workingDirectory: '/', shell: ['/bin/sh', '-c'], ports: [] };
    cpSync(base.rootfs, rootfs, { recursive: true, verbatimSymlinks: true });
    return { ...base, rootfs, environment: { ...base.environment }, args: {} };
  }

  #earlier(name: string): StageState | undefined {
    return this.#built.find(({ stage }, index) => stage.name === name.toLowerCase() || String(index) === name)?.state;
  }

  #apply(step: Step, state: StageState, globals: Readonly<Record<string, string>>): void {
    const expanded = (): string => this.#expand(step.text, state);
    switch (step.keyword) {
      case 'ARG': return this.#setArgs(step, state.args, { ...state.args, ...state.environment }, globals);
      case 'ENV': return this.#setEnvironment(step, state);
      case 'WORKDIR': return this.#enter(expanded(), state);
      case 'USER': state.user = expanded(); return;
      case 'EXPOSE': return this.#expose(expanded(), state);
      case 'SHELL': state.shell = jsonForm(step.text) ?? state.shell; return;
      case 'CMD': state.command = jsonForm(step.text) ?? [...state.shell, step.text]; return;
      case 'ENTRYPOINT': return this.#setEntrypoint(step, state);
      case 'COPY':
      case 'ADD': return this.#copy(step, state);
      default: if (!DESCRIPTIONS.includes(step.keyword)) this.#leftOut.push(step.name);
    }
  }

  #setArgs(
    step: Step,
    args: Record<string, string>,
    known: Readonly<Record<string, string>>,
    globals: Readonly<Record<string, string>>,
  ): void {
    for (const [name, value] of step.pairs) {
      if (value !== undefined) args[name] = expand(value, known, this.dockerfile.escape);
      else if (globals[name] !== undefined) args[name] = globals[name];
    }
  }

  #setEnvironment(step: Step, state: StageState): void {
    // All values of one ENV see the variables as they were before it.
    const pairs = step.pairs.map(([name, value]) => [name, this.#expand(value ?? '', state)]);
    Object.assign(state.environment, Object.fromEntries(pairs));
  }

  #enter(path: string, state: StageState): void {
    state.workingDirectory = resolve(state.workingDirectory, path);
    mkdirSync(resolveInRoot(state.rootfs, state.workingDirectory), { recursive: true });
  }

  #expose(text: string, state: StageState): void {
    const ports = text.split(/\s+/).filter(Boolean).map((word) => Number(word.split('/')[0]));
    state.ports = [...state.ports, ...ports.filter((port) => Number.isInteger(port) && port > 0 && port < 65_536)];
  }

  #setEntrypoint(step: Step, state: StageState): void {
    const words = jsonForm(step.text);
    state.entrypoint = { words: words ?? [...state.shell, step.text], takesCommand: words !== undefined };
  }

  #copy(step: Step, state: StageState): void {
    const words = (jsonForm(step.text) ?? step.text.split(/\s+/)).map((word) => this.#expand(word, state));
    const sources = words.slice(0, -1);
    const stageName = step.flags.get('from');
    const stage = stageName === undefined ? undefined : this.#earlier(this.#expand(stageName, state));
    const fetched = step.keyword === 'ADD' && sources.some(isFetchedOrUnpacked);
    if (step.hasHeredoc || fetched || (stageName !== undefined && !stage)) {
      this.#leftOut.push(step.name);
      return;
    }
    const target = words[words.length - 1] ?? '';
    const absolute = resolve(state.workingDirectory, target) + (/\/\.?$|^\.$/.test(target) ? '/' : '');
    const mode = step.flags.get('chmod');
    this.#copyInto(step, {
      from: stage?.rootfs ?? this.context,
      sources,
      root: state.rootfs,
      target: absolute,
      ...(mode && /^0?[0-7]{3}$/.test(mode) ? { mode: Number.parseInt(mode, 8) } : {}),
      ignored: stage ? () => false : this.#ignored,
    });
  }

  #copyInto(step: Step, request: CopyRequest): void {
    try {
      copyFiles(request);
    } catch (error) {
      if (error instanceof MissingSourceError && request.from !== this.context) {
        // A step that was left out would have made it.
        this.#leftOut.push(step.name);
        return;
      }
      throw new BuildError(`The container image build failed: ${step.name}: ${(error as Error).message}`, error);
    }
  }

  #expand(text: string, state: StageState): string {
    return expand(text, { ...state.args, ...state.environment }, this.dockerfile.escape);
  }

  #layout(state: StageState): ImageLayout {
    const { entrypoint, command = [], workingDirectory, environment, ports, user } = state;
    const words = entrypoint ? [...entrypoint.words, ...(entrypoint.takesCommand ? command : [])] : command;
    if (words.length === 0) this.#leftOut.push('the base image\'s own CMD');
    const main = words.length > 0 ? words : IDLE;
    return { command: main, workingDirectory, environment, ports: [...new Set(ports)], user };
  }
}

function isFetchedOrUnpacked(source: string): boolean {
  return /^(https?:\/\/|git@|git:\/\/)/.test(source) || /\.(tar|tgz|tar\.\w+|tbz2?|txz)$/.test(source);
}

function readIgnoreFile(context: string): (path: string) => boolean {
  const file = join(context, '.dockerignore');
  if (!existsSync(file)) return () => false;
  // Docker's patterns start at the root of the context.
  const patterns = readFileSync(file, 'utf8').split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('#'))
    .map((line) => line.replace(/^(!?)\/?/, '$1/'));
  const rules = ignore().add(patterns);
  return (path) => rules.ignores(path);
}

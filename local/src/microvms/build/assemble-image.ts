import { execFile } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BuildError, ContainerBuildError, StepError } from './build-error';
import type { BuildLog } from './build-log';
import { copyStep, type CopyOrigin, withoutEffect } from './copy-step';
import { DiskRoom } from './disk-room';
import { type Dockerfile, nameOf, parseDockerfile, type Stage, type Step } from './dockerfile';
import { NOTHING_IGNORED, readIgnoreFile } from './ignore-file';
import { copyOwnProgram } from './own-program';
import { RunInstruction } from './run-instruction';
import type { RunStep } from './run-step';
import { applySetting, setArgs } from './stage-settings';
import { emptyStage, platformArgs, type StageState, variablesOf } from './stage-state';
import { expand } from './variables';
import type { ImageLayout } from '../images/image-layout';

/** What a machine runs whose Dockerfile names no program: on the service the base image's own would run. */
const IDLE = ['tail', '-f', '/dev/null'];

/** More than this is read into memory by nobody. */
const MAX_DOCKERFILE_BYTES = 4 * 1024 ** 2;

/** Steps that only describe the image, on the service as well as here. */
const DESCRIPTIONS = ['LABEL', 'MAINTAINER'];

/** Steps whose meaning is up to an engine, which neither the service nor this machine is. */
const NO_EFFECT = ['VOLUME', 'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD'];

export interface AssemblyOptions {
  /** Holds the unpacked artifact. */
  readonly context: string;
  /** Empty; the image comes into being below it. */
  readonly folder: string;
  readonly log: BuildLog;
  /** Executes RUN; or why RUN is left out. */
  readonly run: RunStep | string;
}

export interface AssembledImage {
  readonly layout: ImageLayout;
  /** Where the files are. */
  readonly rootfs: string;
  /** Steps that were not done, each with the reason. */
  readonly leftOut: readonly string[];
  /** What is read and changes nothing here. */
  readonly noEffect: readonly string[];
  /** Programs of this machine that were put in the place of an image's. */
  readonly standIns: readonly string[];
  /** Nothing was left out that could have made a file, a user or a program. */
  readonly complete: boolean;
}

/** Puts the files and settings of a Dockerfile together. Nothing of it is run unless `run` does it. */
export async function assembleImage(options: AssemblyOptions): Promise<AssembledImage> {
  const content = readDockerfile(options.context);
  const { log } = options;
  log.begin('[internal] load build definition from Dockerfile');
  log.say(`transferring dockerfile: ${Buffer.byteLength(content)}B done`);
  try {
    return await new Assembly(parseDockerfile(content), content.split(/\r?\n/), options).build();
  } catch (error) {
    if (error instanceof ContainerBuildError && !(error.cause instanceof StepError)) log.fail(error.detail);
    throw error;
  }
}

/** The text of the Dockerfile at the root of the artifact. */
export function readDockerfile(context: string): string {
  const path = join(context, 'Dockerfile');
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new BuildError('ARCHIVE_DOCKERFILE_NOT_FOUND: The artifact has no Dockerfile at its root.');
  if (stat.size > MAX_DOCKERFILE_BYTES) {
    throw new ContainerBuildError(`the Dockerfile has ${stat.size} bytes; at most ${MAX_DOCKERFILE_BYTES} are allowed`);
  }
  return readFileSync(path, 'utf8');
}

class Assembly {
  readonly #leftOut: string[] = [];
  readonly #noEffect: string[] = [];
  readonly #standIns: string[] = [];
  /** Stages by index; those that nothing needs are not built. */
  readonly #built = new Map<number, Promise<StageState>>();
  readonly #underWay: number[] = [];
  readonly #disk = new DiskRoom();
  readonly #globals: Record<string, string> = platformArgs();
  readonly #context: CopyOrigin;

  constructor(
    private readonly dockerfile: Dockerfile,
    private readonly source: readonly string[],
    private readonly options: AssemblyOptions,
  ) {
    this.#context = { folder: options.context, ignored: readIgnoreFile(options.context), incomplete: false };
  }

  async build(): Promise<AssembledImage> {
    const { escape, globals, stages } = this.dockerfile;
    for (const step of globals) {
      const surroundings = { known: this.#globals, globals: {}, escape };
      await this.#inPlace(step, step.title, () => setArgs(step, this.#globals, surroundings));
    }
    const last = await this.#stage(stages.length - 1);
    const layout = this.#layout(last);
    const complete = !last.incomplete;
    const told = { leftOut: this.#leftOut, noEffect: this.#noEffect, standIns: this.#standIns };
    return { layout, rootfs: last.rootfs, ...told, complete };
  }

  async #stage(index: number): Promise<StageState> {
    if (this.#underWay.includes(index)) {
      const { name, from } = this.dockerfile.stages[index];
      throw new ContainerBuildError(`circular dependency detected on stage: ${name ?? index} (line ${from.line})`);
    }
    const known = this.#built.get(index);
    if (known) return known;
    this.#underWay.push(index);
    const building = this.#buildStage(index);
    this.#built.set(index, building);
    const state = await building;
    this.#underWay.splice(this.#underWay.indexOf(index), 1);
    return state;
  }

  async #buildStage(index: number): Promise<StageState> {
    const stage = this.dockerfile.stages[index];
    const label = (step: Step, number: number): string => {
      const name = this.dockerfile.stages.length > 1 ? `${stage.name ?? `stage-${index}`} ` : '';
      return `[${name}${number}/${stage.steps.length + 1}] ${step.title}`;
    };
    const state = await this.#inPlace(stage.from, label(stage.from, 1), () => this.#begin(stage, index));
    for (const [at, step] of stage.steps.entries()) {
      await this.#inPlace(step, label(step, at + 2), () => this.#apply(step, state));
    }
    return state;
  }

  /** Does one step; what is wrong with it is told together with its place. */
  async #inPlace<T>(step: Step, title: string, work: () => T | Promise<T>): Promise<T> {
    this.options.log.begin(title);
    try {
      return await work();
    } catch (error) {
      if (error instanceof BuildError || !isStepProblem(error)) throw error;
      const detail = error.message;
      this.options.log.fail(detail, { title, line: step.line, source: this.source });
      throw new ContainerBuildError(`${detail} (line ${step.line})`, new StepError(detail));
    }
  }

  async #begin(stage: Stage, index: number): Promise<StageState> {
    const rootfs = join(this.options.folder, `stage-${index}`);
    mkdirSync(rootfs, { recursive: true });
    const name = expand(stage.base, this.#globals, { escape: this.dockerfile.escape });
    if (name === '') throw new StepError(`base name (${stage.base}) should not be blank`);
    // FROM knows only the stages above it.
    const earlier = this.#find(name, index);
    if (earlier === undefined) {
      const { log } = this.options;
      if (name !== 'scratch') log.say(`this machine's own root stands in for ${name}`);
      return emptyStage(rootfs, this.#disk, name !== 'scratch');
    }
    const base = await this.#stage(earlier);
    await this.#takeDisk(base.rootfs);
    // An attribute of a folder says that nothing of this machine's shows through it.
    await promisify(execFile)('cp', ['-a', `${base.rootfs}/.`, rootfs]);
    return { ...base, rootfs, environment: { ...base.environment }, args: { ...base.args }, commandIsOwn: false };
  }

  async #takeDisk(folder: string): Promise<void> {
    const { stdout } = await promisify(execFile)('du', ['-sk', folder]);
    this.#disk.take(Number.parseInt(stdout, 10) * 1024);
  }

  #find(name: string, below: number): number | undefined {
    const { stages } = this.dockerfile;
    const index = stages.findIndex((stage, at) => at < below && stage.name === name.toLowerCase());
    return index < 0 ? undefined : index;
  }

  async #apply(step: Step, state: StageState): Promise<void> {
    const { escape } = this.dockerfile;
    if (applySetting(step, state, { escape, globals: this.#globals })) return;
    if (step.keyword === 'COPY' || step.keyword === 'ADD') return this.#copy(step, state);
    if (step.keyword === 'RUN') return this.#run(step, state);
    if (NO_EFFECT.includes(step.keyword)) this.#noEffect.push(nameOf(step));
    else if (!DESCRIPTIONS.includes(step.keyword)) throw new StepError(`${step.keyword} is not allowed here`);
  }

  async #copy(step: Step, state: StageState): Promise<void> {
    const { escape } = this.dockerfile;
    const [from] = step.flags.get('from') ?? [];
    const name = from === undefined ? undefined : expand(from, variablesOf(state), { escape });
    const origin = name === undefined ? this.#context : await this.#origin(name);
    const program = origin ? undefined : copyOwnProgram(step, state, escape);
    if (program !== undefined) return this.#standIn(step, program);
    const why = origin ? await copyStep(step, state, origin, escape) : 'no other image is fetched';
    if (why !== undefined) return this.#leaveOut(step, state, why);
    const ignored = withoutEffect(step);
    if (ignored.length > 0) this.#noEffect.push(`${ignored.join(' ')} of ${nameOf(step)}`);
  }

  /** A stage by name or number; any other name is that of an image. */
  async #origin(name: string): Promise<CopyOrigin | undefined> {
    const { stages } = this.dockerfile;
    const numbered = /^\d+$/.test(name) ? Number(name) : undefined;
    if (numbered !== undefined && numbered >= stages.length) throw new StepError(`invalid from flag value ${name}: there is no such stage`);
    const index = this.#find(name, stages.length) ?? numbered;
    if (index === undefined) return undefined;
    const { rootfs, incomplete } = await this.#stage(index);
    return { folder: rootfs, ignored: NOTHING_IGNORED, incomplete };
  }

  async #run(step: Step, state: StageState): Promise<void> {
    const { log, run } = this.options;
    const why = await new RunInstruction(step, state).execute(run, log);
    if (why !== undefined) this.#leaveOut(step, state, why);
  }

  #standIn(step: Step, program: string): void {
    this.options.log.say(`this machine's own ${program} stands in`);
    this.#standIns.push(`this machine's own ${program} stands in: ${nameOf(step)}`);
  }

  #leaveOut(step: Step, state: StageState, why: string): void {
    state.incomplete = true;
    this.options.log.say(`left out: ${why}`);
    this.#leftOut.push(`${nameOf(step)}: ${why}`);
  }

  #layout(state: StageState): ImageLayout {
    const { entrypoint, command = [], workingDirectory, environment, ports, user } = state;
    const words = entrypoint ? [...entrypoint.words, ...(entrypoint.takesCommand ? command : [])] : command;
    if (words.length === 0) this.#leftOut.push('the base image\'s own CMD: no other image is fetched');
    if (user !== undefined && !/^(?:root|0)(?::|$)/.test(user)) this.#noEffect.push(`USER ${user}, as a guest has one user here`);
    const main = words.length > 0 ? words : IDLE;
    return { command: main, workingDirectory, environment, ports, user };
  }
}

/** A mistake of the Dockerfile, or files that are not as a step expects them; anything else is a defect here. */
function isStepProblem(error: unknown): error is Error {
  return error instanceof StepError || typeof (error as NodeJS.ErrnoException).code === 'string';
}

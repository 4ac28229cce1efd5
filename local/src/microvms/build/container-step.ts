import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackArtifact } from './artifact';
import { assembleImage, readDockerfile } from './assemble-image';
import { buildContainer } from './build-container';
import { BuildError } from './build-error';
import type { BuildLog } from './build-log';
import { externalImages } from './external-images';
import { namespaceRunStep, type RunStep } from './run-step';
import type { ContainerEngine } from '../container/container-engine';
import { rootfsOf, writeLayout } from '../images/image-layout';
import type { Isolation } from '../machine/machine';

export interface ContainerStepOptions {
  readonly isolation: Isolation;
  /** Folders that no step sees. */
  readonly hidden: readonly string[];
  /** RUN is executed, without a network. Default: it is left out. */
  readonly runSteps?: boolean;
  /** Builds the Dockerfile instead. */
  readonly engine?: ContainerEngine;
}

export interface ContainerBuildContext {
  readonly log: BuildLog;
  /** Fails the build if the image may not be pulled. */
  readonly pull: (image: string) => Promise<void>;
}

export interface BuiltContainer {
  /** What a user should know although nothing failed. */
  readonly notes: readonly string[];
  /** No step was left out. */
  readonly complete: boolean;
}

/** Makes an image of an artifact: its files and how its main process starts. */
export class ContainerStep {
  constructor(private readonly options: ContainerStepOptions, private readonly signal: AbortSignal) {}

  /** Fills `folder`, which is not there yet. */
  async build(artifact: Buffer, folder: string, { log, pull }: ContainerBuildContext): Promise<BuiltContainer> {
    await mkdir(folder, { recursive: true });
    const work = await mkdtemp(join(folder, 'build-'));
    const context = join(work, 'context');
    await mkdir(context);
    try {
      await unpackArtifact(artifact, context);
      await pullAll(context, log, pull);
      const { engine } = this.options;
      if (!engine) return await this.#assemble({ context, folder, work }, log);
      readDockerfile(context);
      await buildContainer(engine, { context, folder, signal: this.signal }, log);
      return { notes: [], complete: true };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  async #assemble(
    { context, folder, work }: { readonly context: string; readonly folder: string; readonly work: string },
    log: BuildLog,
  ): Promise<BuiltContainer> {
    const run = this.#runStep(join(work, 'run'));
    const assembled = await assembleImage({ context, folder: work, log, run });
    const { layout, rootfs, leftOut, noEffect, standIns, complete } = assembled;
    await rename(rootfs, rootfsOf(folder));
    await writeLayout(folder, layout);
    const notes = [
      ...leftOut.map((step) => `left out: ${step}`),
      ...standIns,
      ...noEffect.map((step) => `without effect: ${step}`),
    ];
    return { notes, complete };
  }

  #runStep(folder: string): RunStep | string {
    const { hidden, isolation, runSteps } = this.options;
    if (!runSteps) return 'nothing is run unless runSteps or an engine is asked for';
    if (isolation === 'processes') return 'without namespaces it would run on this machine itself';
    return namespaceRunStep(folder, hidden, this.signal);
  }
}

/** Nothing is fetched but by an engine; what may not be pulled fails all the same. */
async function pullAll(context: string, log: BuildLog, pull: ContainerBuildContext['pull']): Promise<void> {
  try {
    for (const image of externalImages(readDockerfile(context))) await pull(image);
  } catch (error) {
    if (error instanceof BuildError && error.detail !== undefined) log.fail(error.detail);
    throw error;
  }
}

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { BuildError } from './build-error';
import { BuildLog } from './build-log';
import { BuildRole, type WriteLog } from './build-role';
import { ContainerStep, type ContainerStepOptions } from './container-step';
import { SnapshotStep } from './snapshot-step';
import type { LogSink, ObjectReader } from '../../api';
import type { Clock } from '../../clock';
import type { BuildFailure, MicrovmFaults } from '../../faults/microvm-faults';
import type { RoleAssumer } from '../../role-session';
import { BUILD_BROKE_OFF, type ImageRecord, type VersionRecord } from '../images/image-record';
import type { Machines } from '../machine/machines';
import type { Place } from '../wire/arns';

export interface BuildEnvironment extends ContainerStepOptions {
  readonly place: Place;
  readonly clock: Clock;
  readonly objects: ObjectReader;
  readonly logs: LogSink;
  readonly roles: RoleAssumer;
  readonly machines: Machines;
  readonly transitionMs: number;
  readonly faults: MicrovmFaults;
  readonly onWarning: (message: string) => void;
}

/** A build that fails on purpose, perhaps for one chipset only. */
class PurposeError extends BuildError {
  constructor(readonly failure: BuildFailure) {
    super(failure.reason);
  }
}

/** Builds image versions in the background: the container first, then a start of the machine with its build hooks. */
export class ImageBuild {
  readonly #container: ContainerStep;
  readonly #snapshot: SnapshotStep;
  /** Names what was not done once, not with every version. */
  readonly #warned = new Set<string>();
  readonly #closing = new AbortController();

  constructor(private readonly environment: BuildEnvironment) {
    this.#container = new ContainerStep(environment, this.#closing.signal);
    this.#snapshot = new SnapshotStep(environment);
  }

  /** Ends the step of a Dockerfile that is under way, if one is. */
  close(): void {
    this.#closing.abort();
  }

  /** Brings the version from PENDING to SUCCESSFUL or FAILED. */
  async run(image: ImageRecord, version: VersionRecord): Promise<void> {
    const { clock, transitionMs } = this.environment;
    await clock.sleep(transitionMs);
    this.#enter(version, 'IN_PROGRESS');
    try {
      await this.#build(image, version);
      this.#enter(version, 'SUCCESSFUL');
      version.status = 'ACTIVE';
    } catch (error) {
      this.#fail(image, version, error as Error);
      await rm(version.folder, { recursive: true, force: true });
    }
  }

  async #build(image: ImageRecord, version: VersionRecord): Promise<void> {
    const { place, roles } = this.environment;
    const role = await BuildRole.assume(roles, version.configuration.buildRoleArn, place);
    const complete = await this.#buildContainer(image, version, role);
    for (const build of version.builds) build.installed = true;
    const open = (): Promise<WriteLog> => this.#openLog(image, version, role, version.imageVersion);
    await this.#snapshot.take({ image, version, complete, open });
  }

  /** Its log goes up in one go when it is over, well or not, all of it with one time. */
  async #buildContainer(image: ImageRecord, version: VersionRecord, role: BuildRole): Promise<boolean> {
    const { clock, faults, objects } = this.environment;
    const log = new BuildLog();
    try {
      const failure = faults.buildFailure(image.name);
      for (const line of failure?.log ?? []) log.note(line);
      if (failure) throw new PurposeError(failure);
      const artifact = await role.readArtifact(objects, version.configuration.codeArtifact.uri);
      const pull = (name: string): Promise<void> => role.pull(name);
      const { notes, complete } = await this.#container.build(artifact, version.folder, { log, pull });
      for (const note of notes) log.note(note);
      log.note(`built ${image.name} version ${version.imageVersion}`);
      this.#warn(image.name, notes);
      return complete;
    } catch (error) {
      if (log.lines.length === 0 && error instanceof BuildError) log.note(error.message);
      throw error;
    } finally {
      const write = await this.#openLog(image, version, role, '0.0');
      const time = clock.now();
      for (const line of log.lines) write(line, time);
    }
  }

  #openLog(image: ImageRecord, version: VersionRecord, role: BuildRole, streamVersion: string): Promise<WriteLog> {
    const { clock, logs } = this.environment;
    const microvmId = `microvm-${randomUUID()}`;
    const source = { imageName: image.name, version: streamVersion, microvmId, time: clock.now() };
    return role.openLog(logs, version.configuration.logging, source);
  }

  #warn(name: string, notes: readonly string[]): void {
    for (const note of notes) {
      const message = `Image ${name}: ${note}`;
      if (!this.#warned.has(message)) this.environment.onWarning(message);
      this.#warned.add(message);
    }
  }

  #enter(version: VersionRecord, state: 'IN_PROGRESS' | 'SUCCESSFUL' | 'FAILED'): void {
    const now = this.environment.clock.now();
    Object.assign(version, { state, updatedAt: now, stateChangedAt: now });
    for (const build of version.builds) build.state = state;
  }

  #fail(image: ImageRecord, version: VersionRecord, error: Error): void {
    const reason = error instanceof BuildError ? error.message : BUILD_BROKE_OFF;
    const detail = error instanceof BuildError ? error.detail : error.message;
    if (detail !== undefined) this.environment.onWarning(`Build of image ${image.name}: ${detail}`);
    this.#enter(version, 'FAILED');
    for (const build of version.builds) {
      const { chipsetGeneration } = build;
      const meant = !(error instanceof PurposeError) || error.failure.chipsetGenerations.includes(chipsetGeneration);
      if (meant) build.stateReason = reason;
      else Object.assign(build, { state: 'SUCCESSFUL', installed: true });
    }
  }
}

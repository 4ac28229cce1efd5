import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSink, ObjectReader } from '../api';
import type { Clock } from '../clock';
import type { Place } from './arns';
import { Guest } from './guest';
import { buildHookFailure, type HookCall, pollHook } from './hooks';
import { unpackArtifact } from './image/artifact';
import { assembleImage } from './image/assemble-image';
import { BuildError } from './image/build-error';
import { rootfsOf, writeLayout } from './image/image-layout';
import type { ImageRecord, VersionRecord } from './image-record';
import { type LogTarget, logTarget } from './log-stream';
import { type Machine, MissingProgramError } from './machine/machine';
import type { Machines } from './machines';
import type { RoleAssumer } from '../role-session';

export interface BuildEnvironment {
  readonly place: Place;
  readonly clock: Clock;
  readonly objects: ObjectReader;
  readonly logs: LogSink;
  readonly roles: RoleAssumer;
  readonly machines: Machines;
  readonly transitionMs: number;
  readonly onWarning: (message: string) => void;
}

/** A hook that failed; the version itself carries this reason, too. */
class HookError extends BuildError {}

/** Builds image versions in the background: files first, then a start of the machine with its build hooks. */
export class ImageBuild {
  /** Images whose steps were already named to the user. */
  readonly #warned = new Set<string>();

  constructor(private readonly environment: BuildEnvironment) {}

  /** Brings the version from PENDING to SUCCESSFUL or FAILED. */
  async run(image: ImageRecord, version: VersionRecord): Promise<void> {
    const { clock, transitionMs } = this.environment;
    await clock.sleep(transitionMs);
    this.#enter(version, 'IN_PROGRESS');
    try {
      await this.#assemble(image, version);
      for (const build of version.builds) build.installed = true;
      await this.#boot(image, version);
      this.#enter(version, 'SUCCESSFUL');
      version.status = 'ACTIVE';
    } catch (error) {
      const reason = error instanceof BuildError ? error.message : 'INTERNAL_PLATFORM_ERROR: The build broke off.';
      if (!(error instanceof BuildError)) this.environment.onWarning(`Build of image ${image.name}: ${(error as Error).message}`);
      this.#enter(version, 'FAILED');
      for (const build of version.builds) build.stateReason = reason;
      if (error instanceof HookError) version.stateReason = reason;
      await rm(version.folder, { recursive: true, force: true });
    }
  }

  #enter(version: VersionRecord, state: 'IN_PROGRESS' | 'SUCCESSFUL' | 'FAILED'): void {
    const now = this.environment.clock.now();
    Object.assign(version, { state, updatedAt: now, stateChangedAt: now });
    for (const build of version.builds) build.state = state;
  }

  async #assemble(image: ImageRecord, version: VersionRecord): Promise<void> {
    const log = this.#log(image, version, '0.0');
    await mkdir(version.folder, { recursive: true });
    const work = await mkdtemp(join(version.folder, 'build-'));
    const context = join(work, 'context');
    await mkdir(context);
    try {
      await unpackArtifact(await this.#fetch(version), context);
      const { layout, rootfs, leftOut } = assembleImage(context, work);
      await rename(rootfs, rootfsOf(version.folder));
      await writeLayout(version.folder, layout);
      for (const step of leftOut) log(`left out, as it needs a container engine: ${step}`);
      this.#warn(image.name, leftOut);
      log(`built ${image.name} version ${version.imageVersion}`);
    } catch (error) {
      log((error as Error).message);
      throw error;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  #warn(name: string, leftOut: readonly string[]): void {
    if (leftOut.length === 0 || this.#warned.has(name)) return;
    this.#warned.add(name);
    this.environment.onWarning(`Image ${name}: left out, as it needs a container engine: ${leftOut.join('; ')}`);
  }

  async #fetch(version: VersionRecord): Promise<Buffer> {
    const { uri } = version.configuration.codeArtifact;
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    const object = await this.environment.objects.read(bucket, key);
    if (!object) throw new BuildError(`S3_NO_SUCH_KEY: The code artifact ${uri} does not exist.`);
    return object;
  }

  async #boot(image: ImageRecord, version: VersionRecord): Promise<void> {
    const { machines, place } = this.environment;
    const log = this.#log(image, version, version.imageVersion);
    const guest = new Guest(place, image, version);
    const machine = await guest.start(machines, log).catch((error: unknown) => {
      if (!(error instanceof MissingProgramError)) throw error;
      log(error.message);
      throw new BuildError(`Container Stopped with Exit Code: 127. ${error.message}`, error);
    });
    try {
      await this.#check(guest, machine);
    } finally {
      await machines.stop(machine);
    }
  }

  async #check(guest: Guest, machine: Machine): Promise<void> {
    const { clock, place, transitionMs } = this.environment;
    const ended = new AbortController();
    let exitCode: number | undefined;
    void machine.exited.then((code) => {
      exitCode = code;
      ended.abort();
    });
    const buildHost = `${randomUUID()}.lambda-microvm.${place.region}.on.aws`;
    for (const name of ['ready', 'validate'] as const) {
      const hook = guest.hook(name);
      if (!hook) continue;
      const call: HookCall = { ...hook, buildHost, signal: ended.signal };
      const failure = buildHookFailure(call, await pollHook(clock, machine, call));
      if (failure && exitCode === undefined) throw new HookError(failure);
    }
    await clock.sleep(transitionMs);
    if (exitCode !== undefined) throw new BuildError(`Container Stopped with Exit Code: ${exitCode}`);
  }

  #log(image: ImageRecord, version: VersionRecord, streamVersion: string): (line: string) => void {
    const source = {
      imageName: image.name,
      version: streamVersion,
      microvmId: `microvm-${randomUUID()}`,
      time: this.environment.clock.now(),
    };
    const target: LogTarget | undefined = logTarget(version.configuration.logging, source);
    return (line) => {
      if (target) this.environment.logs.write(target.group, target.stream, line);
    };
  }
}

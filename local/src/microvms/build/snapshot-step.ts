import { randomUUID } from 'node:crypto';
import { BuildError } from './build-error';
import type { WriteLog } from './build-role';
import { guestView } from './guest-view';
import { findStartProblem } from './start-check';
import type { Clock } from '../../clock';
import type { MicrovmFaults } from '../../faults/microvm-faults';
import { ContainerStartError } from '../container/container-machine';
import { exitReason, Guest } from '../guest/guest';
import { buildHookFailure, type HookCall, pollHook } from '../guest/hooks';
import { readLayout, rootfsOf } from '../images/image-layout';
import type { ImageRecord, VersionRecord } from '../images/image-record';
import { type Isolation, type Machine, MissingProgramError } from '../machine/machine';
import type { Machines } from '../machine/machines';
import { endpointHost, type Place } from '../wire/arns';

export interface SnapshotStepOptions {
  readonly place: Place;
  readonly clock: Clock;
  readonly machines: Machines;
  readonly transitionMs: number;
  readonly faults: MicrovmFaults;
  readonly isolation: Isolation;
  /** Folders that no guest sees. */
  readonly hidden: readonly string[];
  /** An engine builds and runs the containers; it knows best what can start. */
  readonly engine?: object;
}

export interface Snapshot {
  readonly image: ImageRecord;
  readonly version: VersionRecord;
  /** No step was left out that could have made what the start needs. */
  readonly complete: boolean;
  /** A log stream of a machine of this build. */
  open(): Promise<WriteLog>;
}

/**
 * Starts the image once and calls its build hooks. The service boots a machine for each chipset, and another one to validate; here one
 * machine stands for all of them. Each has its log stream: what is written from `/validate` on is in the validating machine's.
 */
export class SnapshotStep {
  constructor(private readonly options: SnapshotStepOptions) {}

  async take(snapshot: Snapshot): Promise<void> {
    const { image, version, open } = snapshot;
    const { machines, place } = this.options;
    let write = await open();
    for (const { chipsetGeneration } of version.builds.slice(1)) {
      const other = await open();
      other(`The build for GRAVITON ${chipsetGeneration} shares the machine of the one for GRAVITON ${version.builds[0].chipsetGeneration}.`);
    }
    const guest = new Guest(place, image, version);
    try {
      await this.#assertStartable(snapshot);
      const machine = await guest.start(machines, (line) => write(line));
      try {
        await this.#check(guest, machine, async () => {
          write = await open();
        });
      } finally {
        await machines.stop(machine);
      }
    } catch (error) {
      const reason = startProblem(error);
      if (reason instanceof BuildError) write(reason.message);
      throw reason;
    }
  }

  async #assertStartable({ version, complete }: Snapshot): Promise<void> {
    const { engine, hidden, isolation } = this.options;
    if (engine) return;
    const view = guestView(rootfsOf(version.folder), isolation, hidden);
    const layout = await readLayout(version.folder);
    // The image's environment may set another PATH than its Dockerfile.
    const environment = { ...layout.environment, ...version.configuration.environmentVariables };
    const problem = findStartProblem({ ...layout, environment }, view, complete);
    if (problem) throw stopped(problem.exitCode, problem.message);
  }

  async #check(guest: Guest, machine: Machine, onValidate: () => Promise<void>): Promise<void> {
    const { clock, faults, place, transitionMs } = this.options;
    const ended = new AbortController();
    let exitCode: number | undefined;
    void machine.exited.then((code) => {
      exitCode = code;
      ended.abort();
    });
    const buildHost = endpointHost(place, randomUUID());
    for (const name of ['ready', 'validate'] as const) {
      const hook = guest.hook(name);
      if (!hook) continue;
      if (name === 'validate') await onValidate();
      const call: HookCall = { ...hook, buildHost, signal: ended.signal, hangs: faults.hangs(name, guest.image.name) };
      const failure = buildHookFailure(call, await pollHook(clock, machine, call));
      if (failure && exitCode === undefined) throw new BuildError(failure);
    }
    await clock.sleep(transitionMs);
    if (exitCode !== undefined) throw new BuildError(exitReason(exitCode));
  }
}

function startProblem(error: unknown): unknown {
  if (error instanceof MissingProgramError) return stopped(127, error.message);
  return error instanceof ContainerStartError ? stopped(error.exitCode, error.message) : error;
}

function stopped(exitCode: number, message: string): BuildError {
  return new BuildError(`${exitReason(exitCode)}. ${message}`);
}

import type { HookName } from '../microvms/images/hook-settings';

/** How a build fails on purpose. */
export interface BuildFailure {
  /** What GetMicrovmImageBuild tells as the `stateReason`. */
  readonly reason: string;
  /** Lines that land in the build log before the failure. */
  readonly log: readonly string[];
  /** The builds that fail, by their chipset generation; the others succeed. */
  readonly chipsetGenerations: readonly string[];
}

/** What the MicroVMs service asks about faults; each question that is answered with one uses it up. */
export interface MicrovmFaults {
  /** Asked when a microVM has become RUNNING. A number: its main process exits with it now. */
  exitCode(microvmId: string): number | undefined;
  /** Asked once for each build of an image version, before anything is built. */
  buildFailure(imageName: string): BuildFailure | undefined;
  /** Asked once for each hook that is about to be called. True: the application does not answer it. */
  hangs(hook: HookName, imageName: string): boolean;
  /** Asked for each request to an endpoint. True: it answers 502. */
  refusesEndpoint(microvmId: string): boolean;
}

/** A service to which nothing happens. */
export const NO_FAULTS: MicrovmFaults = {
  exitCode: () => undefined,
  buildFailure: () => undefined,
  hangs: () => false,
  refusesEndpoint: () => false,
};

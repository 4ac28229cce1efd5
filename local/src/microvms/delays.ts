/** How long the service's transitions take, in milliseconds of the cloud's clock. */
export interface Delays {
  /** From RunMicrovm to RUNNING, at least. */
  readonly startMs: number;
  readonly suspendMs: number;
  readonly resumeMs: number;
  /** For this long after TerminateMicrovm the earlier state is told. */
  readonly terminatingMs: number;
  /** From TerminateMicrovm to TERMINATED. */
  readonly terminatedMs: number;
  /** For this long the service does not notice that the main process ended. */
  readonly exitLagMs: number;
  readonly versionDeletionMs: number;
  readonly imageDeletionMs: number;
  /** Before a build begins, and after its last hook. */
  readonly buildStepMs: number;
}

/** As measured on AWS. */
const SECONDS: Readonly<Record<keyof Delays, number>> = {
  startMs: 1.8,
  suspendMs: 1,
  resumeMs: 0.4,
  terminatingMs: 0.14,
  terminatedMs: 3,
  exitLagMs: 15,
  versionDeletionMs: 5.4,
  imageDeletionMs: 5,
  buildStepMs: 1,
};

/** One second of AWS is 20 milliseconds here. */
export const DEFAULT_TIME_SCALE = 0.02;

/** `timeScale` 1: as long as on AWS; 0: at once. */
export function scaledDelays(timeScale: number): Delays {
  if (!Number.isFinite(timeScale) || timeScale < 0) {
    throw new RangeError(`timeScale: ${timeScale} is no factor of time; 1 takes as long as AWS, 0 takes no time, 0.02 is the default`);
  }
  const scaled = Object.entries(SECONDS).map(([name, seconds]) => [name, seconds * 1000 * timeScale]);
  return Object.fromEntries(scaled) as Delays;
}

/** Ends a build; the message becomes the build's `stateReason`. */
export class BuildError extends Error {
  /** More than the service tells: for the build log and the terminal. */
  readonly detail?: string;

  constructor(message: string, readonly cause?: unknown) {
    super(message);
  }
}

/** The Dockerfile could not be built. The service tells no more than that; `detail` is for the build log. */
export class ContainerBuildError extends BuildError {
  constructor(override readonly detail: string, cause?: unknown) {
    super('The container image build failed.', cause);
  }
}

/** What is wrong with one instruction. */
export class StepError extends Error {}

/** A Dockerfile that cannot be read, in BuildKit's words. */
export function parseError(line: number, message: string): ContainerBuildError {
  return new ContainerBuildError(`dockerfile parse error on line ${line}: ${message}`);
}

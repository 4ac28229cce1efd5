/** Ends a build; the message becomes the build's `stateReason`. */
export class BuildError extends Error {
  constructor(message: string, readonly cause?: unknown) {
    super(message);
  }
}

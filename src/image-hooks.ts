import type { Duration } from 'aws-cdk-lib';

/** A hook that is switched on. */
export interface ImageHook {
  /**
   * How long the platform waits for the hook's answer, in whole seconds: 1–3600 for `ready` and `validate`, 1–60 for the others.
   *
   * @default - 5 minutes for `ready` and `validate`, 10 seconds for the others
   */
  readonly timeout?: Duration;
}

/**
 * Hooks that an image's own server answers: the platform sends `POST /aws/lambda-microvms/runtime/v1/<hook>` to it.
 *
 * A hook that is left out is never called. The port is reachable by any token that covers it, so the pool never hands one out for it.
 */
export interface ImageHooks {
  /**
   * Port on which the image's server answers hooks: 1 to 65,535, without 8443, where the platform's own agent listens. A wrong one fails
   * the build although its log looks clean.
   *
   * @default 9000
   */
  readonly port?: number;

  /**
   * Asked during the build until it answers 200; then the snapshot is taken. 503 means "ask again", anything else fails the build.
   * Every runtime hook needs it.
   *
   * @default - not called: the platform picks the moment of the snapshot
   */
  readonly ready?: ImageHook;

  /**
   * Asked once of a microVM that was started from the new snapshot. What it touches is loaded faster later; what it writes is lost.
   *
   * @default - not called
   */
  readonly validate?: ImageHook;

  /**
   * Called when a microVM starts. Any answer but 200 ends the microVM.
   *
   * @default - not called
   */
  readonly run?: ImageHook;

  /**
   * Called after a suspended microVM was restored.
   *
   * @default - not called
   */
  readonly resume?: ImageHook;

  /**
   * Called before a microVM is suspended. An answer of 500 ends the microVM and what it holds.
   *
   * @default - not called
   */
  readonly suspend?: ImageHook;

  /**
   * Called before a running microVM ends.
   *
   * @default - not called
   */
  readonly terminate?: ImageHook;
}

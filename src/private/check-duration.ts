import type { Duration } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ValidationError } from '../validation-error';

export interface DurationBounds {
  /** The prop as the user typed it. */
  readonly name: string;
  readonly minSeconds: number;
  readonly maxSeconds: number;
}

/** Refuses a duration outside of the bounds, or one that is not a whole number of seconds. A token passes. */
export function checkDuration(duration: Duration, bounds: DurationBounds, scope?: IConstruct): void {
  if (duration.isUnresolved()) return;
  const seconds = duration.toSeconds({ integral: false });
  const { name, minSeconds, maxSeconds } = bounds;
  if (!Number.isInteger(seconds) || seconds < minSeconds || seconds > maxSeconds) {
    throw new ValidationError(
      `${name}: got ${seconds} seconds, allowed are whole seconds from ${minSeconds} to ${maxSeconds}`, scope,
    );
  }
}

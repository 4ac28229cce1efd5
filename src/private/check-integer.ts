import { Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ValidationError } from '../validation-error';

export interface IntegerBounds {
  /** The prop as the user typed it. */
  readonly name: string;
  readonly min: number;
  readonly max?: number;
}

/** Refuses what is not a whole number within the bounds. A token passes. */
export function checkInteger(value: number | undefined, { name, min, max }: IntegerBounds, scope: IConstruct): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (Number.isInteger(value) && value >= min && value <= (max ?? Infinity)) return;
  const allowed = max === undefined ? `from ${min}` : `from ${min} to ${max}`;
  throw new ValidationError(`${name}: got ${value}, allowed are whole numbers ${allowed}`, scope);
}

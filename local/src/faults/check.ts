import { isOperation } from '../operations';

/** Throws unless the value is a whole number from `least`. */
export function atLeast(fault: string, option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${fault}: ${option} must be a whole number from ${least}, got ${value}`);
}

/** Throws unless the value is a positive number; fractions are fine. */
export function positive(fault: string, option: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`${fault}: ${option} must be a number above 0, got ${value}`);
}

/** Throws unless the value is one of those that are allowed. */
export function oneOf(fault: string, option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new RangeError(`${fault}: ${option} "${value}" is none of ${allowed.join(', ')}`);
}

/** Throws unless the local cloud knows an operation of this name. */
export function knownOperation(fault: string, operation: string): void {
  if (isOperation(operation)) return;
  throw new RangeError(`${fault}: operation "${operation}" is none that the local cloud knows; use AWS's name, as in "RunMicrovm"`);
}

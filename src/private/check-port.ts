import type { IConstruct } from 'constructs';
import { checkInteger } from './check-integer';
import { PLATFORM_PORT } from '../contract/runtime';
import { ValidationError } from '../validation-error';

/** Refuses a port inside of an image on which nothing of it could answer. `name` is the prop as the user typed it. */
export function checkPort(port: number | undefined, name: string, scope: IConstruct): void {
  checkInteger(port, { name, min: 1, max: 65535 }, scope);
  if (port !== PLATFORM_PORT) return;
  throw new ValidationError(`${name}: on ${PLATFORM_PORT} the platform's own agent listens in every microVM; use another port`, scope);
}

import { ServiceError } from '../service-error';

export interface FunctionName {
  readonly name: string;
  readonly qualifier?: string;
}

/** Reads a name, a partial ARN or an ARN, with or without a qualifier: the one way for who decides about a call and for who does it. */
export function readFunctionName(nameOrArn: string): FunctionName {
  const [name, qualifier] = (/:function:([^]*)$/.exec(nameOrArn)?.[1] ?? nameOrArn).split(':');
  return { name, qualifier };
}

/** A function's code lies in a folder of its name. */
export function checkFunctionName(name: string): void {
  if (/^[a-zA-Z0-9-_]{1,64}$/.test(name)) return;
  throw new ServiceError('ValidationException', `1 validation error detected: Value '${name.slice(0, 140)}' at 'functionName' failed to satisfy constraint: `
    + 'Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+, with 1 to 64 characters');
}

import type { IConstruct } from 'constructs';

/** An input that synthesis refuses. The message names the prop, the value, what is allowed and the fix. */
export class ValidationError extends Error {
  constructor(message: string, scope?: IConstruct) {
    super(scope === undefined ? message : `${message} [at ${scope.node.path}]`);
    this.name = 'ValidationError';
  }
}

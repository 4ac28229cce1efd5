import { createHash } from 'crypto';
import { Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ValidationError } from '../validation-error';

const MAX_LENGTH = 64;
const HASH_LENGTH = 8;
const FIX = 'choose another, or leave imageName out to get one';

/** Refuses a name that the platform would refuse. A token passes. */
export function checkImageName(scope: IConstruct, name: string): void {
  if (Token.isUnresolved(name)) return;
  if (name.length < 1 || name.length > MAX_LENGTH) {
    throw new ValidationError(`imageName: '${name}' has ${name.length} characters, allowed are 1 to ${MAX_LENGTH}; ${FIX}`, scope);
  }
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) {
    throw new ValidationError(`imageName: '${name}' may hold only letters, digits, - and _; ${FIX}`, scope);
  }
}

/**
 * A name from the construct's path and nothing else: a name that changes replaces the image, and the platform keeps the old name
 * reserved for a while after the delete.
 */
export function defaultImageName(construct: IConstruct): string {
  const scopes = construct.node.scopes;
  const outermostStack = scopes.findIndex((scope) => Stack.isStack(scope));
  const path = scopes.slice(outermostStack).map(nameOf);
  const hash = createHash('sha256').update(path.join('/')).digest('hex').slice(0, HASH_LENGTH);
  const readable = path.join('-').replace(/[^a-zA-Z0-9_-]/g, '').slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return `${readable}-${hash}`;
}

/** The same app deployed twice differs in its stack names only. A nested stack's name is not known yet. */
function nameOf(scope: IConstruct): string {
  return Stack.isStack(scope) && !Token.isUnresolved(scope.stackName) ? scope.stackName : scope.node.id;
}

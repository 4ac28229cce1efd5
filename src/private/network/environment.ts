import type { Stack } from 'aws-cdk-lib';
import { Token } from 'aws-cdk-lib';
import type { IEnvironmentAware } from 'aws-cdk-lib/interfaces';
import { ValidationError } from '../../validation-error';

/** Refuses what a stack cannot use because it is somewhere else. A token passes. */
export function checkEnvironment(name: string, { env }: IEnvironmentAware, stack: Stack): void {
  if (!differs(env.region, stack.region) && !differs(env.account, stack.account)) return;
  throw new ValidationError(
    `${name}: is in ${env.region} of account ${env.account}, the stack in ${stack.region} of account ${stack.account}; `
    + `use ${name} of the stack's own account and Region`, stack,
  );
}

function differs(one: string, other: string): boolean {
  return !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;
}

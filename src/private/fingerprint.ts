import { createHash } from 'crypto';
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** The same for the same values in every synthesis: a token counts by what it stands for in the template, not by its running number. */
export function fingerprintOf(scope: IConstruct, ...values: string[]): string {
  return createHash('sha256').update(JSON.stringify(Stack.of(scope).resolve(values))).digest('hex');
}

import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { SUPPORTED_REGIONS } from './zones';

/** Elsewhere the service answers `AccessDenied` without a message, which reads like a fault in a policy. */
export function warnOfRegion(scope: IConstruct): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region) || SUPPORTED_REGIONS.includes(region)) return;
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:unsupportedRegion',
    `Lambda MicroVMs are not known to be in ${region}: there the service answers AccessDenied without a message. `
    + `They are in ${SUPPORTED_REGIONS.join(', ')}.`,
  );
}

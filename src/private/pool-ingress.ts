import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { managedConnectorArn } from './managed-connector';
import { NO_INGRESS } from '../contract/pool';
import { IngressPolicy } from '../pool-network-policy';
import type { ISandboxImage } from '../sandbox-image';
import type { SandboxPoolProps } from '../sandbox-pool-props';
import { ValidationError } from '../validation-error';

type IngressProps = Pick<SandboxPoolProps, 'endpointAccess' | 'shellAccess' | 'idlePolicy'>;

/** What lets requests in, as the props ask for it. */
export function ingressOf({ endpointAccess, shellAccess }: IngressProps): IngressPolicy {
  if (endpointAccess === false) return IngressPolicy.NONE;
  return shellAccess === true ? IngressPolicy.HTTP_AND_SHELL : IngressPolicy.HTTP;
}

/** Never empty: the platform takes an empty list for public HTTP. ALL_INGRESS is refused a shell token, in any company. */
export function ingressConnectorArns(scope: Construct, ingress: IngressPolicy): string[] {
  switch (ingress) {
    case IngressPolicy.NONE: return [managedConnectorArn(scope, NO_INGRESS)];
    case IngressPolicy.HTTP: return [managedConnectorArn(scope, 'HTTP_INGRESS')];
    case IngressPolicy.HTTP_AND_SHELL:
      return [managedConnectorArn(scope, 'HTTP_INGRESS'), managedConnectorArn(scope, 'SHELL_INGRESS')];
  }
}

export function checkIngress(scope: Construct, { endpointAccess, shellAccess }: IngressProps): void {
  if (endpointAccess === false && shellAccess === true) {
    throw new ValidationError('shellAccess: the shell is reached through the endpoint, and endpointAccess is false; leave one of them out', scope);
  }
}

export function checkIngressOfImage(scope: Construct, image: ISandboxImage, { endpointAccess }: IngressProps): void {
  if (endpointAccess === false && image.daemonPort !== undefined) {
    throw new ValidationError(
      `endpointAccess: got false, and the sandbox runtime of the image takes commands through the endpoint (port ${image.daemonPort}); `
      + 'leave endpointAccess out, or use an image without the runtime', scope,
    );
  }
}

/** Traffic is what the platform counts, and none arrives. */
export function warnOfIdleness(scope: Construct, { endpointAccess, idlePolicy }: IngressProps): void {
  if (endpointAccess !== false || (idlePolicy?._render() ?? null) === null) return;
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:idleWithoutEndpoint',
    'idlePolicy: nothing arrives at a sandbox without an endpoint, so each of them counts as idle from its start, whatever it works on. '
    + 'Use IdlePolicy.none().',
  );
}

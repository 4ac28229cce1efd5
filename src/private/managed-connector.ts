import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { NO_INGRESS } from '../contract/pool';

type ManagedConnector = 'HTTP_INGRESS' | 'SHELL_INGRESS' | typeof NO_INGRESS | 'INTERNET_EGRESS';

/** ARN of a connector that the platform owns. A connector left out is not "none": it is public HTTP in and the internet out. */
export function managedConnectorArn(scope: IConstruct, name: ManagedConnector): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    account: 'aws',
    resource: 'network-connector',
    resourceName: `aws-network-connector:${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** ARN of a connector that the platform owns. A connector left out is not "none": it is public HTTP in and the internet out. */
export function managedConnectorArn(scope: IConstruct, name: 'HTTP_INGRESS' | 'INTERNET_EGRESS'): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    account: 'aws',
    resource: 'network-connector',
    resourceName: `aws-network-connector:${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

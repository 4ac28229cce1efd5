import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export function imageArn(scope: IConstruct, imageName: string): string {
  return lambdaArn(scope, 'microvm-image', imageName);
}

/** The one base image that the platform has. */
export function baseImageArn(scope: IConstruct): string {
  return lambdaArn(scope, 'microvm-image', 'al2023-1', 'aws');
}

/**
 * Every microVM of the account and Region. The documentation authorizes calls on a microVM by its image alone; in the field some were
 * evaluated on an ARN of the microVM. Both are granted until the two agree.
 */
export function anyMicrovmArn(scope: IConstruct): string {
  return lambdaArn(scope, 'microvm', '*');
}

function lambdaArn(scope: IConstruct, resource: string, resourceName: string, account?: string): string {
  return Stack.of(scope).formatArn({ service: 'lambda', account, resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}

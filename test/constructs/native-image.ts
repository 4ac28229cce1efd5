import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** An image of AWS's own resource, with as much as its type asks for. */
export function nativeImage(
  scope: Construct, props: Partial<lambda.CfnMicrovmImageProps> = {},
): lambda.CfnMicrovmImage {
  return new lambda.CfnMicrovmImage(scope, 'Native', {
    name: 'native',
    baseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
    baseImageVersion: '1',
    buildRoleArn: 'arn:aws:iam::123456789012:role/build',
    codeArtifact: { uri: 's3://bucket/key.zip' },
    additionalOsCapabilities: [],
    cpuConfigurations: [{ architecture: 'ARM_64' }],
    description: '',
    egressNetworkConnectors: [],
    environmentVariables: [],
    hooks: {},
    logging: { disabled: true },
    resources: [{ minimumMemoryInMiB: 512 }],
    ...props,
  });
}

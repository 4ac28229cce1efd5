import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { SandboxPool } from 'cdk-microvm-sandbox';

/** A pool of an image that AWS's own resource makes. */
const stack = new Stack(new App(), 'IntegNativeImage');
const context = new Asset(stack, 'Context', { path: join(__dirname, 'integ.own-dockerfile.context') });
const buildRole = new iam.Role(stack, 'BuildRole', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com').withSessionTags() });
context.grantRead(buildRole);
const image = new lambda.CfnMicrovmImage(stack, 'Image', {
  name: 'integ-native-image',
  description: 'Of CloudFormation itself',
  baseImageArn: `arn:${stack.partition}:lambda:${stack.region}:aws:microvm-image:al2023-1`,
  baseImageVersion: '1',
  buildRoleArn: buildRole.roleArn,
  codeArtifact: { uri: context.s3ObjectUrl },
  additionalOsCapabilities: [],
  cpuConfigurations: [{ architecture: 'ARM_64' }],
  egressNetworkConnectors: [],
  environmentVariables: [{ key: 'GREETING', value: 'First' }],
  hooks: {},
  logging: { disabled: true },
  resources: [{ minimumMemoryInMiB: 512 }],
});
image.node.addDependency(buildRole);
const pool = new SandboxPool(stack, 'Pool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });

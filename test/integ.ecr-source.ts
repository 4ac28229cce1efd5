import { App, CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** A container image for arm64 that was pushed before: its repository and digest are parameters of the stack. */
const stack = new Stack(new App(), 'IntegEcrSource');
const repositoryName = new CfnParameter(stack, 'RepositoryName', { default: 'integ-ecr-source' });
const digest = new CfnParameter(stack, 'Digest', {
  default: `sha256:${'0'.repeat(64)}`,
  allowedPattern: 'sha256:[0-9a-f]{64}',
  description: 'As `docker images --digests` and ECR show it',
});
const repository = ecr.Repository.fromRepositoryName(stack, 'Repository', repositoryName.valueAsString);
const image = new SandboxImage(stack, 'Image', { source: ImageSource.ecr(repository, digest.valueAsString) });
const pool = new SandboxPool(stack, 'Pool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
new CfnOutput(stack, 'ImageVersion', { value: image.imageVersion });

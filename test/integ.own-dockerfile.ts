import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** A server of one's own, without the sandbox runtime. */
const stack = new Stack(new App(), 'IntegOwnDockerfile');
const image = new SandboxImage(stack, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context')),
  memory: MemorySize.MIB_512,
  environment: { GREETING: 'Hello' },
});
const pool = new SandboxPool(stack, 'Pool', { image, maxSandboxes: 2 });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });

import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** Sandboxes that work by themselves: nothing reaches them. */
const stack = new Stack(new App(), 'IntegNoEndpoint');
const image = new SandboxImage(stack, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context')),
  memory: MemorySize.MIB_512,
});
const pool = new SandboxPool(stack, 'Pool', { image, endpointAccess: false });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });

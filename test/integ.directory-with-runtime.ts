import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** A Dockerfile of one's own that gets the sandbox runtime. */
const stack = new Stack(new App(), 'IntegDirectoryWithRuntime');
const image = new SandboxImage(stack, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.directory-with-runtime.context'), { runtime: true }),
});
const pool = new SandboxPool(stack, 'Pool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });

import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** Images and pools of a stack share what builds the images. */
const stack = new Stack(new App(), 'IntegSeveralPools');
const source = ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context'));
for (const id of ['One', 'Two']) {
  const image = new SandboxImage(stack, `${id}Image`, { source, memory: MemorySize.MIB_512, environment: { GREETING: id } });
  for (const [size, maxSandboxes] of Object.entries({ Small: 1, Large: 10 })) {
    const pool = new SandboxPool(stack, `${id}${size}`, { image, maxSandboxes });
    new CfnOutput(stack, id === 'One' && size === 'Small' ? 'SandboxPool' : `${id}${size}SandboxPool`, { value: pool.allocatorArn });
  }
}

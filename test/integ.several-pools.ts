import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** Images and pools of a stack share what builds the images. */
const stack = new Stack(new App(), 'IntegSeveralPools');
const source = ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context'));
const [one, two] = ['One', 'Two'].map((GREETING) => (
  new SandboxImage(stack, GREETING, { source, memory: MemorySize.MIB_512, environment: { GREETING } })
));
const pools = {
  SandboxPool: new SandboxPool(stack, 'Small', { image: one, maxSandboxes: 1 }),
  LargeSandboxPool: new SandboxPool(stack, 'Large', { image: one }),
  OtherSandboxPool: new SandboxPool(stack, 'Other', { image: two }),
};
for (const [output, { allocatorArn }] of Object.entries(pools)) new CfnOutput(stack, output, { value: allocatorArn });

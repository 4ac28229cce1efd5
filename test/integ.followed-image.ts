import { join } from 'node:path';
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { BaseImage, ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** An image that is rebuilt when there is a newer base, and a pool that follows it. */
const stack = new Stack(new App(), 'IntegFollowedImage');
const image = new SandboxImage(stack, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context')),
  memory: MemorySize.MIB_512,
  baseImage: BaseImage.latest(),
  rebuildOnNewBase: events.Schedule.rate(Duration.minutes(3)),
});
const pool = new SandboxPool(stack, 'Pool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
new CfnOutput(stack, 'ImageVersion', { value: image.imageVersion });
new CfnOutput(stack, 'BaseImageVersion', { value: image.baseImageVersion });
new CfnOutput(stack, 'BaseImageStatus', { value: image.baseImageStatus });

import { App, ArnFormat, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

const IMAGE_NAME = 'integ-imported-image';

/** A pool that knows of its image, which another stack builds, only the name. */
const app = new App();
const elsewhere = new Stack(app, 'IntegImportedImageElsewhere');
new SandboxImage(elsewhere, 'Image', { imageName: IMAGE_NAME });

const stack = new Stack(app, 'IntegImportedImage');
stack.addStackDependency(elsewhere);
const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', {
  imageArn: stack.formatArn({
    service: 'lambda', resource: 'microvm-image', resourceName: IMAGE_NAME, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  }),
  imageVersion: '1.0',
  daemonPort: 8080,
  hookPort: 9000,
});
const pool = new SandboxPool(stack, 'Pool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });

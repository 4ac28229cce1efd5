import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { addCaller } from './integ-caller';

/** An image, a pool of it and who uses the pool, in a stack each. */
const app = new App();
const images = new Stack(app, 'IntegCrossStackImage');
const image = new SandboxImage(images, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context')),
  memory: MemorySize.MIB_512,
  environment: { GREETING: 'First' },
});

const pools = new Stack(app, 'IntegCrossStackPool');
const pool = new SandboxPool(pools, 'Pool', { image });

const callers = new Stack(app, 'IntegCrossStackCaller');
addCaller(callers, pool);

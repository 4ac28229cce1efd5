import { GetMicrovmImageVersionCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { stack, cloud } = deployment;
  expect(stack.outputs).toMatchObject({ ImageVersion: '1.0', BaseImageVersion: '1', BaseImageStatus: 'AVAILABLE' });

  // AWS publishes a base, and the time of the schedule comes.
  cloud.baseImages.publish('2');
  await cloud.clock.advance({ minutes: 3 });
  await using started = await deployment.start();
  const { imageArn: imageIdentifier, imageVersion } = started.microvm;
  expect([imageIdentifier, imageVersion]).toEqual([...deployment.physicalIds('Custom::MicrovmSandboxImage'), '2.0']);
  const version = await deployment.microvms.send(new GetMicrovmImageVersionCommand({ imageIdentifier, imageVersion }));
  expect(version.baseImageVersion).toBe('2.0');
}

import { GetMicrovmImageVersionCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { stack, cloud, microvms } = deployment;
  const [imageIdentifier] = deployment.physicalIds('Custom::MicrovmSandboxImage');
  const versions = async () => {
    await using started = await deployment.start();
    const { imageVersion } = started.microvm;
    const command = new GetMicrovmImageVersionCommand({ imageIdentifier, imageVersion });
    const { baseImageVersion } = await microvms.send(command);
    return { imageVersion, baseImageVersion };
  };
  const newest = Number(stack.outputs.BaseImageVersion);
  expect(stack.outputs.BaseImageStatus).toBe('AVAILABLE');
  expect(await versions()).toEqual({ imageVersion: '1.0', baseImageVersion: `${newest}.0` });

  cloud.baseImages.publish(String(newest + 1));
  await cloud.clock.advance({ minutes: 3 });
  expect(await versions()).toEqual({ imageVersion: '2.0', baseImageVersion: `${newest + 1}.0` });
}

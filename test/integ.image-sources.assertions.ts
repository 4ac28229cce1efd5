import { GetMicrovmImageVersionCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

const POOLS = { Asset: 'SandboxPool', ObjectInPlace: 'ObjectInPlaceSandboxPool', ObjectVersion: 'ObjectVersionSandboxPool' };

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { microvms, cloud } = deployment;
  for (const [greeting, output] of Object.entries(POOLS)) {
    await using sandbox = await deployment.clientOf(output).create();
    expect(await (await sandbox.fetch(8080, '/')).text()).toBe(`${greeting} at /`);
  }

  const images = deployment.physicalIds('Custom::MicrovmSandboxImage');
  const uris = await Promise.all(images.map(async (imageIdentifier) => (
    (await microvms.send(new GetMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }))).codeArtifact?.uri
  )));
  const { buckets } = cloud.inventory();
  const owned = Object.entries(buckets).flatMap(([bucket, keys]) => keys.map((key) => `s3://${bucket}/${key}`));
  const [version] = deployment.physicalIds('Custom::Upload');
  expect(uris).toHaveLength(3);
  // What was copied lies in the bucket of the stack; what is used in place, in the bucket of the assets.
  expect(uris.filter((uri) => !owned.includes(uri ?? ''))).toHaveLength(1);
  expect(uris.filter((uri) => uri?.includes(version))).toHaveLength(1);
}

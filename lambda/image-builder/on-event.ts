import type { Builder } from './builder';
import { createImage } from './create-image';
import type { OnEventResult, ProviderEvent } from './events';
import { parseProperties } from './properties';
import type { ImageProperties } from './properties';
import { submitUpdate } from './update-image';

/** Starts what CloudFormation asks for. Whatever takes time is left to `isComplete`. */
export async function startImage(builder: Builder, event: ProviderEvent): Promise<OnEventResult> {
  if (event.RequestType === 'Delete') return { PhysicalResourceId: event.PhysicalResourceId };
  const properties = parseProperties(event.ResourceProperties);
  await provideArtifact(builder, properties);
  const imageArn = event.PhysicalResourceId;
  // Another name is another image. CloudFormation deletes the old one when the new one is complete.
  if (imageArn === undefined || !imageArn.endsWith(`:microvm-image:${properties.ImageName}`)) {
    return createImage(builder, event, properties);
  }
  return { PhysicalResourceId: imageArn, ImageVersion: await submitUpdate(builder, event, { imageArn, properties }) };
}

/** The service reads the artifact from a bucket of the image's own, which outlives a clean-up of CDK's asset bucket. */
async function provideArtifact({ artifacts }: Builder, properties: ImageProperties): Promise<void> {
  const artifact = { bucket: properties.ArtifactBucket, key: properties.ArtifactKey };
  if (await artifacts.exists(artifact)) return;
  await artifacts.copy({ bucket: properties.SourceBucket, key: properties.SourceKey }, artifact);
}

import type { Builder } from './builder';
import { createImage } from './create-image';
import type { OnEventResult, ProviderEvent } from './events';
import { patiently } from './patience';
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
    return createOrClear(builder, event, properties);
  }
  const ImageVersion = await patiently(builder, () => submitUpdate(builder, event, { imageArn, properties }));
  return { PhysicalResourceId: imageArn, ImageVersion };
}

/** CloudFormation sends no delete for what was never made, and an artifact that stays keeps its bucket from being deleted. */
async function createOrClear(
  builder: Builder, event: ProviderEvent, properties: ImageProperties,
): Promise<OnEventResult> {
  try {
    return await createImage(builder, event, properties);
  } catch (error) {
    // Why there is no image is what CloudFormation has to hear about.
    await builder.artifacts.deleteAll(properties.ArtifactBucket, properties.ArtifactKey).catch(() => undefined);
    throw error;
  }
}

/** The service reads the artifact from a bucket of the image's own, which outlives a clean-up of CDK's asset bucket. */
async function provideArtifact(builder: Builder, properties: ImageProperties): Promise<void> {
  const { artifacts } = builder;
  const artifact = { bucket: properties.ArtifactBucket, key: properties.ArtifactKey };
  if (await artifacts.exists(artifact)) return;
  const source = { bucket: properties.SourceBucket, key: properties.SourceKey };
  await patiently(builder, () => artifacts.copy(source, artifact));
}

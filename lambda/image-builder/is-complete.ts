import { failureMessage } from './build-failure';
import type { Builder } from './builder';
import { deleteImage } from './delete-image';
import type { IsCompleteEvent, IsCompleteResult } from './events';
import type { ImageVersion } from './images';
import { parseProperties } from './properties';
import type { ImageProperties } from './properties';
import { submitUpdate } from './update-image';
import { IMAGE_ATTRIBUTES } from '../../src/contract/image';
import { ServiceError } from '../pool/service-error';

const NOT_YET = { IsComplete: false } as const;

/** Looks whether what `onEvent` started is done. A service that is late or busy is looked at again. */
export async function completeImage(builder: Builder, event: IsCompleteEvent): Promise<IsCompleteResult> {
  try {
    if (event.RequestType === 'Delete') return await deleteImage(builder, event) ? { IsComplete: true } : NOT_YET;
    return await completeVersion(builder, event);
  } catch (error) {
    if (error instanceof ServiceError && ['not_found', 'conflict', 'throttled', 'busy'].includes(error.kind)) return NOT_YET;
    throw error;
  }
}

async function completeVersion(builder: Builder, event: IsCompleteEvent): Promise<IsCompleteResult> {
  const { images } = builder;
  const properties = parseProperties(event.ResourceProperties);
  const imageArn = event.PhysicalResourceId;
  const imageVersion = event.ImageVersion ?? await submitUpdate(builder, event, { imageArn, properties });
  if (imageVersion === undefined) return NOT_YET;
  const version = await images.getVersion(imageArn, imageVersion);
  if (version.state === 'FAILED') throw await failure(builder, { imageArn, properties, version });
  if (version.state.startsWith('DELET')) {
    throw new Error(`Version ${imageVersion} of image ${properties.ImageName} was deleted while the deployment waited for it.`);
  }
  // Three axes of their own, and a microVM starts only if all of them are right.
  if (version.state !== 'SUCCESSFUL' || version.status !== 'ACTIVE') return NOT_YET;
  const { state } = await images.get(imageArn);
  if (state !== 'CREATED' && state !== 'UPDATED') return NOT_YET;
  const Data = { [IMAGE_ATTRIBUTES.imageArn]: imageArn, [IMAGE_ATTRIBUTES.imageVersion]: imageVersion };
  return { IsComplete: true, Data };
}

interface FailedVersion {
  readonly imageArn: string;
  readonly properties: ImageProperties;
  readonly version: ImageVersion;
}

async function failure({ images }: Builder, { imageArn, properties, version }: FailedVersion): Promise<Error> {
  const builds = await images.listBuilds(imageArn, version.imageVersion);
  const { ImageName: name, LogGroupName: logGroupName } = properties;
  return new Error(failureMessage({ name, logGroupName, version, builds }));
}

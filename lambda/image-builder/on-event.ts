import { resolveBaseImage, UNKNOWN_STATUS, UnknownBaseImage } from './base-images';
import type { BaseImage } from './base-images';
import type { Builder } from './builder';
import type { OnEventResult, ProviderEvent } from './events';
import { wishedImageArn } from './image-request';
import { parseProperties } from './properties';
import type { ImageProperties } from './properties';
import { baseMajor } from './same-build';
import { LATEST_BASE_IMAGE } from '../../src/contract/image';
import { ServiceError } from '../pool/service-error';

/**
 * Checks what CloudFormation asks for. Nothing is made before CloudFormation has the image's id: it deletes only what it got an id of.
 * Whatever takes time is left to `isComplete`.
 */
export async function startImage(builder: Builder, event: ProviderEvent): Promise<OnEventResult> {
  const StartedAt = builder.clock.now();
  if (event.RequestType === 'Delete') return { PhysicalResourceId: event.PhysicalResourceId, StartedAt };
  const properties = parseProperties(event.ResourceProperties);
  const imageArn = wishedImageArn(event, properties);
  const base = await findBase(builder, properties, imageArn);
  return {
    PhysicalResourceId: imageArn,
    StartedAt,
    ...(base && { BaseImageVersion: base.version, BaseImageStatus: base.status }),
  };
}

/** A base image that the service withdrew altogether must not stop a rollback to a version that was built on it. */
async function findBase(
  builder: Builder, properties: ImageProperties, imageArn: string,
): Promise<BaseImage | undefined> {
  try {
    return await resolveBaseImage(builder, properties);
  } catch (error) {
    const { BaseImageVersion: version } = properties;
    if (!(error instanceof UnknownBaseImage) || version === LATEST_BASE_IMAGE) throw error;
    if (!await hasVersionOn(builder, imageArn, version)) throw error;
    return { version, status: UNKNOWN_STATUS };
  }
}

async function hasVersionOn({ images }: Builder, imageArn: string, base: string): Promise<boolean> {
  try {
    const versions = await images.listVersions(imageArn);
    return versions.some(({ state, build }) => state === 'SUCCESSFUL' && baseMajor(build.baseImageVersion) === Number(base));
  } catch (error) {
    // There is no image yet, or it cannot be looked at: then the lookup's error stands.
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

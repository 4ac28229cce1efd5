import type { Builder } from './builder';
import type { OnEventResult, ProviderEvent } from './events';
import { ATTEMPT_TAG, buildRequest, clientToken, imageArnFor, imageTags, OWNER_TAG } from './image-request';
import type { Image, Submitted } from './images';
import { patiently } from './patience';
import type { ImageProperties } from './properties';
import { submitUpdate } from './update-image';
import { ServiceError } from '../pool/service-error';

/** Asks for a new image. Nothing may fail after the service took it: CloudFormation deletes only what it got an id of. */
export async function createImage(
  builder: Builder, event: ProviderEvent, properties: ImageProperties,
): Promise<OnEventResult> {
  try {
    const submitted = await patiently(builder, () => builder.images.create(
      properties.ImageName, buildRequest(properties), imageTags(event), clientToken(event, 'create'),
    ));
    return toResult(submitted);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const found = await recover(builder, event, properties);
    if (found) return found;
    throw nameTaken(error) ? takenError(properties) : error;
  }
}

/** The image that an attempt of this resource made without its answer arriving, or that an earlier attempt left behind. */
async function recover(
  builder: Builder, event: ProviderEvent, properties: ImageProperties,
): Promise<OnEventResult | undefined> {
  const imageArn = imageArnFor(properties);
  const image = await findImage(builder, imageArn);
  if (!image) return undefined;
  const tags = imageTags(event);
  if (image.tags[ATTEMPT_TAG] === tags[ATTEMPT_TAG]) {
    const [first] = await builder.images.listVersions(imageArn);
    return { PhysicalResourceId: imageArn, ImageVersion: first?.imageVersion };
  }
  if (image.tags[OWNER_TAG] !== tags[OWNER_TAG] || isGoing(image)) return undefined;
  const ImageVersion = await patiently(builder, () => submitUpdate(builder, event, { imageArn, properties }));
  return { PhysicalResourceId: imageArn, ImageVersion };
}

async function findImage({ images }: Builder, imageArn: string): Promise<Image | undefined> {
  try {
    return await images.get(imageArn);
  } catch (error) {
    // What went wrong with the create is what CloudFormation has to hear about.
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

function isGoing({ state }: Image): boolean {
  return state === 'DELETING' || state === 'DELETED' || state === 'DELETE_FAILED';
}

/** The service says so with a 400. */
function nameTaken(error: ServiceError): boolean {
  return /already exists/i.test(error.message);
}

function takenError({ ImageName }: ImageProperties): Error {
  return new Error(`ImageName: the account has an image ${ImageName} in this Region that this stack did not make. Choose another `
    + 'name, import that image instead of creating it, or delete it; a name stays taken for some minutes after its image was deleted.');
}

function toResult({ imageArn, imageVersion }: Submitted): OnEventResult {
  return { PhysicalResourceId: imageArn, ImageVersion: imageVersion };
}

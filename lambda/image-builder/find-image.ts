import type { Image, ImageClient } from './images';
import { ServiceError } from '../pool/service-error';

/** Undefined if there is none. */
export async function findImage(images: ImageClient, imageArn: string): Promise<Image | undefined> {
  try {
    const image = await images.get(imageArn);
    return image.state === 'DELETED' ? undefined : image;
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'not_found') return undefined;
    throw error;
  }
}

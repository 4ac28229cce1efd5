import type { Place } from './arns';
import { ServiceError } from './errors';
import { type Page, page } from './pages';

/** Newest first. `createdAt` in epoch seconds. */
export const MANAGED_IMAGE_VERSIONS = [
  { imageVersion: '1', createdAt: Date.UTC(2026, 6, 21) / 1000 },
  { imageVersion: '0', createdAt: Date.UTC(2026, 5, 17) / 1000 },
] as const;

export function managedImageArn(place: Place): string {
  return `arn:aws:lambda:${place.region}:aws:microvm-image:al2023-1`;
}

export function listManagedImages(place: Place, query: URLSearchParams): Page<object> {
  const [newest] = MANAGED_IMAGE_VERSIONS;
  const oldest = MANAGED_IMAGE_VERSIONS[MANAGED_IMAGE_VERSIONS.length - 1];
  return page([{ createdAt: oldest.createdAt, imageArn: managedImageArn(place), updatedAt: newest.createdAt }], query);
}

export function listManagedImageVersions(place: Place, imageIdentifier: string, query: URLSearchParams): Page<object> {
  if (imageIdentifier !== managedImageArn(place)) {
    throw new ServiceError('ResourceNotFoundException', `MicroVMImage not found for MicroVMImageID: ${imageIdentifier}`);
  }
  const versions = MANAGED_IMAGE_VERSIONS.map(({ imageVersion, createdAt }) => (
    { createdAt, imageArn: imageIdentifier, imageVersion, status: 'AVAILABLE', updatedAt: createdAt }
  ));
  return page(versions, query);
}

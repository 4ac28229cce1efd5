import type { Place } from '../wire/arns';
import { check } from '../wire/constraints';
import type { Cursors } from '../wire/cursors';
import { imageNotFound, invalid } from '../wire/errors';
import { IDENTIFIER } from '../wire/member-rules';
import { type Page, page } from '../wire/pages';

/** Newest first. `createdAt` in epoch seconds. */
export const MANAGED_IMAGE_VERSIONS = [
  { imageVersion: '1', createdAt: Date.UTC(2026, 6, 21) / 1000 },
  { imageVersion: '0', createdAt: Date.UTC(2026, 5, 17) / 1000 },
] as const;

export function managedImageArn(place: Place): string {
  return `arn:aws:lambda:${place.region}:aws:microvm-image:al2023-1`;
}

/** The operations on the images that AWS provides. */
export class ManagedImages {
  constructor(private readonly place: Place, private readonly cursors: Cursors) {}

  list(query: URLSearchParams): Page<object> {
    const [newest] = MANAGED_IMAGE_VERSIONS;
    const oldest = MANAGED_IMAGE_VERSIONS[MANAGED_IMAGE_VERSIONS.length - 1];
    const image = { createdAt: oldest.createdAt, imageArn: managedImageArn(this.place), updatedAt: newest.createdAt };
    return page(this.cursors, query, { list: 'managed images', items: [image], position: () => 0 });
  }

  listVersions(imageIdentifier: string, query: URLSearchParams): Page<object> {
    check({ imageIdentifier }, { imageIdentifier: IDENTIFIER });
    if (!imageIdentifier.startsWith('arn:')) throw invalid(`Invalid ARN format: ${imageIdentifier}`);
    if (imageIdentifier !== managedImageArn(this.place)) throw imageNotFound(imageIdentifier);
    const versions = MANAGED_IMAGE_VERSIONS.map(({ imageVersion, createdAt }) => (
      { createdAt, imageArn: imageIdentifier, imageVersion, status: 'AVAILABLE', updatedAt: createdAt }
    ));
    return page(this.cursors, query, {
      list: 'managed image versions',
      items: versions,
      position: (version) => versions.indexOf(version),
    });
  }
}

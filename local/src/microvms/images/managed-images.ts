import type { BaseImages } from './base-images';
import type { Place } from '../wire/arns';
import { check } from '../wire/constraints';
import type { Cursors } from '../wire/cursors';
import { imageNotFound, invalid } from '../wire/errors';
import { IDENTIFIER } from '../wire/member-rules';
import { type Page, page } from '../wire/pages';

export function managedImageArn(place: Place): string {
  return `arn:aws:lambda:${place.region}:aws:microvm-image:al2023-1`;
}

/** The operations on the images that AWS provides. */
export class ManagedImages {
  constructor(
    private readonly place: Place,
    private readonly cursors: Cursors,
    private readonly baseImages: BaseImages,
  ) {}

  list(query: URLSearchParams): Page<object> {
    const versions = this.baseImages.versions();
    const createdAt = Math.min(...versions.map((version) => version.createdAt)) / 1000;
    const updatedAt = Math.max(...versions.map((version) => version.updatedAt)) / 1000;
    const image = { createdAt, imageArn: managedImageArn(this.place), updatedAt };
    return page(this.cursors, query, { list: 'managed images', items: [image], position: () => 0 });
  }

  listVersions(imageIdentifier: string, query: URLSearchParams): Page<object> {
    check({ imageIdentifier }, { imageIdentifier: IDENTIFIER });
    if (!imageIdentifier.startsWith('arn:')) throw invalid(`Invalid ARN format: ${imageIdentifier}`);
    if (imageIdentifier !== managedImageArn(this.place)) throw imageNotFound(imageIdentifier);
    const { items, nextToken } = page(this.cursors, query, {
      list: 'managed image versions',
      items: this.baseImages.versions(),
      // From the newest down, so that a version that is published meanwhile moves no page.
      position: ({ imageVersion }) => -Number(imageVersion),
    });
    return {
      items: items.map(({ imageVersion, status, createdAt, updatedAt }) => (
        { createdAt: createdAt / 1000, imageArn: imageIdentifier, imageVersion, status, updatedAt: updatedAt / 1000 }
      )),
      nextToken,
    };
  }
}

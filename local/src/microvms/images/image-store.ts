import type { BaseImages } from './base-images';
import type { ImageFiles } from './image-files';
import { activeVersion, BUILD_BROKE_OFF, type ImageRecord, isBuilding, latestActive, type VersionRecord } from './image-record';
import { imageArn, parseImageArn, type Place } from '../wire/arns';
import { check } from '../wire/constraints';
import { imageNotFound, notFound, ServiceError } from '../wire/errors';
import { IDENTIFIER, NON_BLANK } from '../wire/member-rules';

export interface ImageAndVersion {
  readonly image: ImageRecord;
  readonly version: VersionRecord;
}

/** What `save` answers and `restore` takes. Files of images lie in their folder and are not part of it. */
export type SavedImages = readonly (Omit<ImageRecord, 'versions'> & { readonly versions: readonly Omit<VersionRecord, 'folder'>[] })[];

/** The images of the account and their versions. */
export class ImageStore {
  readonly #images = new Map<string, ImageRecord>();
  #lastSerial = 0;

  constructor(readonly place: Place, private readonly baseImages: BaseImages) {}

  all(): ImageRecord[] {
    return [...this.#images.values()];
  }

  has(name: string): boolean {
    return this.#images.has(name);
  }

  nextSerial(): number {
    return ++this.#lastSerial;
  }

  add(image: ImageRecord): void {
    this.#images.set(image.name, image);
  }

  remove(image: ImageRecord): void {
    this.#images.delete(image.name);
  }

  find(name: string): ImageRecord {
    const image = this.#images.get(name);
    if (image) return image;
    throw imageNotFound(imageArn(this.place, name));
  }

  resolve(imageIdentifier: string): ImageRecord {
    check({ imageIdentifier }, { imageIdentifier: IDENTIFIER });
    return this.find(parseImageArn(this.place, imageIdentifier, 'image'));
  }

  resolveVersion(imageIdentifier: string, imageVersion: string): ImageAndVersion {
    check({ imageIdentifier, imageVersion }, { imageIdentifier: IDENTIFIER, imageVersion: NON_BLANK });
    // A version is looked up by both at once: it makes no difference which of them is not there.
    const image = this.#images.get(parseImageArn(this.place, imageIdentifier, 'image'));
    const version = image?.versions.find((candidate) => candidate.imageVersion === imageVersion);
    if (image && version) return { image, version };
    throw notFound(`MicroVMImage not found for MicroVMImage: ${imageIdentifier}, Version: ${imageVersion}`);
  }

  /** The version that RunMicrovm starts: SUCCESSFUL and ACTIVE, of an image that is CREATED or UPDATED, on a base image that may run. */
  runnable(name: string, imageVersion: string | undefined): ImageAndVersion {
    const image = this.#images.get(name);
    if (image?.state === 'CREATED' || image?.state === 'UPDATED') {
      const version = imageVersion === undefined ? latestActive(image) : activeVersion(image, imageVersion);
      if (version && this.baseImages.isRunnable(version.configuration.baseImageVersion)) return { image, version };
    }
    // An image that is not there has no active version either.
    const which = imageVersion === undefined ? '' : ` and version ${imageVersion}`;
    throw notFound(`No active version found for MicroVM image ${imageArn(this.place, name)}${which}`);
  }

  assertSettled(image: ImageRecord): void {
    if (!['CREATING', 'UPDATING', 'DELETING'].includes(image.state)) return;
    throw new ServiceError('ConflictException', `MicroVM Image is already in state: ${image.state}`);
  }

  /** Builds that are not over. */
  buildsUnderWay(): number {
    return this.all().flatMap(({ versions }) => versions.filter(isBuilding)).length;
  }

  save(): SavedImages {
    return this.all().map(({ versions, ...image }) => (
      { ...image, versions: versions.map(({ folder: _, ...version }) => version) }
    ));
  }

  /** Takes the images back. Deletions are completed, and builds that were under way have failed. */
  async restore(saved: SavedImages, files: ImageFiles): Promise<void> {
    for (const { versions, ...image } of saved) {
      this.#lastSerial = Math.max(this.#lastSerial, image.serial);
      if (image.state === 'DELETING') continue;
      const found = versions.map((version) => ({ ...version, folder: files.folderOf(image.id, version.imageVersion) }));
      for (const version of found) {
        if (isBuilding(version) || (version.state === 'SUCCESSFUL' && !(await files.exist(version)))) fail(version);
      }
      const kept = found.filter(({ state }) => state !== 'DELETING');
      this.add({ ...image, state: settledState(image.state, found), versions: kept });
    }
    await files.removeAllBut(this.all().flatMap(({ versions }) => versions.filter(({ state }) => state === 'SUCCESSFUL')));
  }
}

function fail(version: VersionRecord): void {
  Object.assign(version, { state: 'FAILED', status: 'INACTIVE' });
  for (const build of version.builds) Object.assign(build, { state: 'FAILED', stateReason: BUILD_BROKE_OFF });
}

/** `versions` hold those whose builds were failed just now, and those that were being deleted. */
function settledState(state: ImageRecord['state'], versions: readonly Pick<VersionRecord, 'state'>[]): ImageRecord['state'] {
  const failed = versions.at(-1)?.state === 'FAILED' && versions.every((version) => version.state !== 'DELETING');
  if (state === 'CREATING') return failed ? 'CREATE_FAILED' : 'CREATED';
  if (state === 'UPDATING') return failed ? 'UPDATE_FAILED' : 'UPDATED';
  return state;
}

import type { Artifact } from './artifacts';
import type { BuildRequest, Image, ImageVersion } from './images';

/** What an image is to become: by a deployment, or by a rebuild. */
export interface Target {
  readonly imageArn: string;
  readonly imageName: string;
  readonly logGroupName: string;
  readonly build: BuildRequest;
  readonly updateToken: string;
  readonly artifact: Artifact;
  /** Tags that the image carries in the end, besides the one that names its current version. */
  readonly tags: Readonly<Record<string, string>>;
  /** Tags that it does not carry any more. */
  readonly staleTags: readonly string[];
  readonly retainVersions: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Bytes for the words of a failure. */
  readonly messageBytes: number;
}

/** What the service tells of an image at one moment; newest version first. */
export interface View {
  readonly image: Image;
  readonly versions: readonly ImageVersion[];
}

export function newestFirst(versions: readonly ImageVersion[]): ImageVersion[] {
  const numberOf = ({ imageVersion }: ImageVersion) => Number.parseFloat(imageVersion);
  return [...versions].sort((one, other) => numberOf(other) - numberOf(one));
}

export function isBuilding({ state }: Pick<ImageVersion, 'state'>): boolean {
  return state === 'PENDING' || state === 'IN_PROGRESS';
}

/** A microVM starts only from an image that is at rest. */
export function isAtRest({ state }: Image): boolean {
  return state === 'CREATED' || state === 'UPDATED';
}

export function hasFailed({ state }: Image): boolean {
  return state === 'CREATE_FAILED' || state === 'UPDATE_FAILED';
}

export function isGoing({ state }: Image): boolean {
  return state === 'DELETING';
}

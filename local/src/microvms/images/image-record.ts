import type { ImageConfiguration } from './image-input';

export interface BuildRecord {
  readonly buildId: string;
  readonly chipsetGeneration: string;
  readonly createdAt: number;
  state: 'PENDING' | 'IN_PROGRESS' | 'SUCCESSFUL' | 'FAILED';
  stateReason: string | null;
  /** The container was built: the build has a size. */
  installed: boolean;
}

export interface VersionRecord {
  readonly imageVersion: string;
  readonly configuration: ImageConfiguration;
  readonly createdAt: number;
  readonly builds: readonly BuildRecord[];
  /** Where the built image lies. */
  readonly folder: string;
  updatedAt: number;
  stateChangedAt: number;
  state: 'PENDING' | 'IN_PROGRESS' | 'SUCCESSFUL' | 'FAILED' | 'DELETING';
  status: 'ACTIVE' | 'INACTIVE';
}

export interface ImageRecord {
  readonly id: string;
  /** Counts the images of the account, in the order of their creation. */
  readonly serial: number;
  readonly name: string;
  readonly imageArn: string;
  readonly createdAt: number;
  updatedAt: number;
  state: 'CREATING' | 'CREATED' | 'CREATE_FAILED' | 'UPDATING' | 'UPDATED' | 'UPDATE_FAILED' | 'DELETING';
  tags: Record<string, string>;
  versions: VersionRecord[];
  /** Numbers are not used again. */
  lastVersion: number;
}

/** The reason of a build that ended for none of its own. */
export const BUILD_BROKE_OFF = 'INTERNAL_PLATFORM_ERROR: The build broke off.';

export function latestActive(image: ImageRecord): VersionRecord | undefined {
  return image.versions.filter(isActive).at(-1);
}

export function activeVersion(image: ImageRecord, imageVersion: string): VersionRecord | undefined {
  return image.versions.find((version) => version.imageVersion === imageVersion && isActive(version));
}

/** RunMicrovm takes it. */
export function isActive({ state, status }: VersionRecord): boolean {
  return state === 'SUCCESSFUL' && status === 'ACTIVE';
}

export function latestFailed(image: ImageRecord): VersionRecord | undefined {
  return image.versions.filter((version) => version.state === 'FAILED').at(-1);
}

export function isBuilding({ state }: VersionRecord): boolean {
  return state === 'PENDING' || state === 'IN_PROGRESS';
}

/** Baseline memory of the microVMs that run this version, in MiB. */
export function memoryOf({ configuration }: VersionRecord): number {
  return configuration.resources[0].minimumMemoryInMiB;
}

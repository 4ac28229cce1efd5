import { type BuildRecord, type ImageRecord, latestActive, latestFailed, type VersionRecord } from './image-record';

/** Sizes of a small image as the service reports them; a local build makes no snapshot that could be measured. */
const SMALL_IMAGE = {
  codeInstallSizeInBytes: 186_400_768,
  diskSnapshotSizeInBytes: 25_600_000,
  memorySnapshotSizeInBytes: 609_087_488,
};

/** Answers hold every member, also those that the API reference does not name; unset ones are null. */
export function imageView(image: ImageRecord): object {
  return { ...imageSummary(image), tags: image.tags, updatedAt: image.updatedAt / 1000 };
}

export function imageSummary(image: ImageRecord): object {
  return {
    createdAt: image.createdAt / 1000,
    id: image.id,
    imageArn: image.imageArn,
    latestActiveImageVersion: latestActive(image)?.imageVersion ?? null,
    latestFailedImageVersion: latestFailed(image)?.imageVersion ?? null,
    name: image.name,
    state: image.state,
  };
}

/** The answer to CreateMicrovmImage and, without tags, to UpdateMicrovmImage. */
export function buildView(image: ImageRecord, version: VersionRecord): object {
  return {
    ...version.configuration,
    ...imageSummary(image),
    buildPhaseOverrides: null,
    imageVersion: version.imageVersion,
    roleConfiguration: null,
    updatedAt: image.updatedAt / 1000,
  };
}

export function versionView(image: ImageRecord, version: VersionRecord): object {
  return {
    ...version.configuration,
    createdAt: version.createdAt / 1000,
    imageArn: image.imageArn,
    imageVersion: version.imageVersion,
    state: version.state,
    // Only builds tell why they failed.
    stateReason: null,
    status: version.status,
    tags: null,
    updatedAt: version.updatedAt / 1000,
    versionStateTimeBucket: `${version.state}#${hourBucket(version.stateChangedAt)}`,
  };
}

/** Lists leave the environment out. */
export function versionSummary(image: ImageRecord, version: VersionRecord): object {
  return { ...versionView(image, version), environmentVariables: null };
}

export function imageBuildSummary(image: ImageRecord, version: VersionRecord, build: BuildRecord): object {
  return {
    architecture: 'ARM_64',
    buildId: build.buildId,
    buildState: build.state,
    chipset: 'GRAVITON',
    chipsetGeneration: build.chipsetGeneration,
    createdAt: build.createdAt / 1000,
    imageArn: image.imageArn,
    imageVersion: version.imageVersion,
    stateReason: build.stateReason,
    terminationReasonCode: null,
  };
}

export function imageBuildView(image: ImageRecord, version: VersionRecord, build: BuildRecord): object {
  const none = { codeInstallSizeInBytes: null, diskSnapshotSizeInBytes: null, memorySnapshotSizeInBytes: null };
  const installed = { ...none, codeInstallSizeInBytes: SMALL_IMAGE.codeInstallSizeInBytes };
  const snapshotBuild = build.state === 'SUCCESSFUL' ? SMALL_IMAGE : build.installed ? installed : none;
  return { ...imageBuildSummary(image, version, build), snapshotBuild };
}

/** `YYMMDDHH`, UTC. */
function hourBucket(time: number): string {
  return new Date(time).toISOString().slice(2, 13).replace(/\D/g, '');
}

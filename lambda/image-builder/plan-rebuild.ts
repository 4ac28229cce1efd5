import type { Artifact } from './artifacts';
import type { BaseImage } from './base-images';
import { findNewest } from './base-images';
import type { Builder } from './builder';
import { buildOnBase, clientToken } from './image-request';
import type { BuildRequest, ImageVersion } from './images';
import { baseMajor } from './same-build';
import type { Target, View } from './target';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';
import type { RebuildEvent } from '../../src/contract/image';

/** Bytes of a log line that explains a failed build. */
const MESSAGE_BYTES = 8000;

export interface RebuildPlan {
  readonly target: Target;
  readonly current: ImageVersion;
  /** The current version is on the newest base image. */
  readonly isCurrent: boolean;
  /** The base image of the current version, if it is not AVAILABLE any more. */
  readonly oldBase?: BaseImage;
}

export interface RebuildRequest {
  readonly event: RebuildEvent;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** What to build, or in words why nothing is. */
export async function planRebuild(
  builder: Builder, request: RebuildRequest, view: View,
): Promise<RebuildPlan | string> {
  const { imageArn, baseImageArn } = request.event;
  const tagged = view.image.tags[CURRENT_VERSION_TAG];
  if (tagged === undefined) return 'no deployment of the image is complete yet';
  const current = await builder.images.getVersion(imageArn, tagged);
  const base = baseMajor(current.build.baseImageVersion);
  const managed = await builder.images.listManagedVersions(baseImageArn);
  const newest = findNewest(managed);
  if (base === undefined || newest === undefined) return 'the service does not tell which base images there are';
  const isCurrent = newest <= base;
  const build = buildOnBase(current.build, String(isCurrent ? base : newest));
  if (!build) return 'the service does not tell the configuration of the current version';
  const status = managed.find(({ version }) => baseMajor(version) === base)?.status ?? 'AVAILABLE';
  return {
    target: targetOf(request, build),
    current,
    isCurrent,
    ...(status !== 'AVAILABLE' && { oldBase: { version: String(base), status } }),
  };
}

function targetOf({ event, startedAt }: RebuildRequest, build: BuildRequest): Target {
  return {
    imageArn: event.imageArn,
    imageName: event.imageArn.slice(event.imageArn.lastIndexOf(':') + 1),
    logGroupName: event.logGroupName,
    build,
    updateToken: clientToken(event.eventId, 'rebuild', build.baseImageVersion),
    artifact: artifactOf(event, build),
    tags: {},
    staleTags: [],
    retainVersions: event.retainVersions,
    startedAt,
    messageBytes: MESSAGE_BYTES,
  };
}

/** Where the current version was built from. What the schedule knows of its source holds only while it means the same artifact. */
function artifactOf(event: RebuildEvent, { codeArtifact: { uri } }: BuildRequest): Artifact {
  const { artifactBucket: bucket, artifactKey: key, sourceBucket, sourceKey, sourceDockerfile } = event;
  const { sourceObjectVersion: version } = event;
  if (uri !== `s3://${bucket}/${key}`) {
    const [, uriBucket = bucket, uriKey = key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    return { place: { bucket: uriBucket, key: uriKey } };
  }
  return {
    place: { bucket, key },
    ...(sourceBucket !== undefined && sourceKey !== undefined && {
      source: { bucket: sourceBucket, key: sourceKey, ...(version !== undefined && { version }) },
    }),
    ...(sourceDockerfile !== undefined && { dockerfile: sourceDockerfile }),
  };
}

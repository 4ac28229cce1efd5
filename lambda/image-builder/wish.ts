import { resolveBaseImage, UNKNOWN_STATUS } from './base-images';
import type { BaseImage } from './base-images';
import type { Builder } from './builder';
import { messageBytes } from './cloudformation-error';
import type { IsCompleteEvent } from './events';
import { buildRequest, clientToken, wishedImageArn } from './image-request';
import { attemptTags, deploymentTags, ownerTags } from './image-tags';
import type { ImageVersion } from './images';
import type { ImageProperties } from './properties';
import { artifactOf, findProperties, findTags, parseProperties } from './properties';
import { sameApartFromBase } from './same-build';
import type { Wait } from './step';
import type { Target, View } from './target';
import { CURRENT_VERSION_TAG, LATEST_BASE_IMAGE } from '../../src/contract/image';

/** A rollback follows its update within this time. */
const ROLLBACK_MS = 2 * 3_600_000;

/** What a deployment wants. */
export interface Wish extends Target {
  readonly base: BaseImage;
  readonly createToken: string;
  /** Of an image that this deployment creates. */
  readonly firstTags: Readonly<Record<string, string>>;
  readonly acceptsOtherBase: (view: View) => (version: ImageVersion) => boolean;
}

/** Reads the event; a wait if the service does not tell its base images. */
export async function readWish(builder: Builder, event: IsCompleteEvent): Promise<Wish | Wait> {
  const properties = parseProperties(event.ResourceProperties);
  const base = await findBase(builder, event, properties);
  if (!base) return { waitsFor: 'the service does not tell which base images there are', advice: 'Deploy again later, or pin a base image.' };
  const build = buildRequest(properties, base.version);
  const tags = { ...properties.Tags, ...ownerTags(event) };
  return {
    imageArn: wishedImageArn(event, properties),
    imageName: properties.ImageName,
    logGroupName: properties.LogGroupName,
    base,
    build,
    createToken: clientToken(event.RequestId, 'create', base.version),
    updateToken: clientToken(event.RequestId, 'update', base.version),
    artifact: artifactOf(properties),
    firstTags: { ...tags, ...attemptTags(event), ...deploymentTags(event, 'started') },
    tags: { ...tags, ...deploymentTags(event, 'done') },
    // Tags that others put on the image stay.
    staleTags: Object.keys(findTags(event.OldResourceProperties)).filter((key) => !(key in tags)),
    retainVersions: properties.RetainVersions,
    startedAt: event.StartedAt,
    messageBytes: messageBytes(event),
    acceptsOtherBase: otherBases(event, properties),
  };
}

async function findBase(
  builder: Builder,
  { BaseImageVersion: version, BaseImageStatus: status }: IsCompleteEvent,
  properties: ImageProperties,
): Promise<BaseImage | undefined> {
  return version === undefined ? resolveBaseImage(builder, properties) : { version, status: status ?? UNKNOWN_STATUS };
}

/**
 * In a rollback `latest` may have moved on since the version that it restores was built. Nothing says that an update is one; but only
 * then has the version that is in use, or was until just now, the configuration that is asked for and not the one that is replaced.
 */
function otherBases(event: IsCompleteEvent, properties: ImageProperties): Wish['acceptsOtherBase'] {
  const none = () => () => false;
  if (properties.BaseImageVersion !== LATEST_BASE_IMAGE || event.OldResourceProperties === undefined) return none;
  const old = findProperties(event.OldResourceProperties);
  if (old && sameApartFromBase(buildRequest(old, ''), buildRequest(properties, ''))) return none;
  return ({ image }) => ({ imageVersion, updatedAt = 0 }) => (
    imageVersion === image.tags[CURRENT_VERSION_TAG] || updatedAt >= event.StartedAt - ROLLBACK_MS
  );
}

import type { Builder } from './builder';
import { PREVIOUS_VERSION_TAG } from './image-tags';
import type { ImageVersion } from './images';
import { measure } from './metrics';
import { pruneOne, superfluous } from './prune';
import { outdated, retire } from './retire';
import type { Wait } from './step';
import { tagImage } from './tag-image';
import type { Target, View } from './target';
import { hasFailed, isAtRest, isBuilding } from './target';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';
import { ServiceError } from '../pool/service-error';

/** Enough for all versions of an image, one each look; a deployment does not fail because of old versions. */
const PRUNE_MS = 10 * 60_000;
/** The clocks of the service and of this function. */
const CLOCK_DIFFERENCE_MS = 5000;

/**
 * Makes a built version the current one: active, tagged, all others inactive, superfluous ones deleted. One change each look, and done
 * only after a look that found nothing to change: whatever another writer did in between is seen and put right.
 */
export async function settle(builder: Builder, target: Target, { view, version }: Settling): Promise<Wait | undefined> {
  if (hasFailed(view.image) && await heal(builder, target, view)) return { waitsFor: 'a version that failed to build is being deleted' };
  if (!isAtRest(view.image) && !hasFailed(view.image)) return restWait(builder, target, { view, version });
  if (version.status !== 'ACTIVE') {
    await builder.images.setStatus(target.imageArn, version.imageVersion, 'ACTIVE');
    return { waitsFor: `version ${version.imageVersion} of image ${target.imageName} does not become active` };
  }
  const changed = await makeCurrent(builder, target, { view, version });
  const old = outdated(view, version.imageVersion);
  await retire(builder, target, old);
  if (changed || old.length > 0) return { waitsFor: `the tags of image ${target.imageName} and the status of its versions do not stay as they are set` };
  return prune(builder, target, { view, version });
}

export interface Settling {
  readonly view: View;
  readonly version: ImageVersion;
}

/**
 * An image whose last build failed may start no microVM, also none of a version that works. Deleting what failed brings it back, as far
 * as is known; there is nothing else that could.
 */
async function heal(builder: Builder, { imageArn, imageName }: Target, { versions }: View): Promise<boolean> {
  const failed = versions.find(({ state }) => state === 'FAILED');
  if (!failed) return false;
  try {
    await builder.images.deleteVersion(imageArn, failed.imageVersion);
    return true;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== 'refused') throw error;
    builder.log({ level: 'warn', message: 'cannot delete a failed version', imageName, imageVersion: failed.imageVersion, error: error.message });
    return false;
  }
}

/** A deletion of an old version that does not end is no reason to fail. */
function restWait(builder: Builder, target: Target, { view, version }: Settling): Wait | undefined {
  const { image, versions } = view;
  const isTagged = image.tags[CURRENT_VERSION_TAG] === version.imageVersion && version.status === 'ACTIVE';
  const isOnlyDeleting = versions.some(({ state }) => state === 'DELETING') && !versions.some(isBuilding);
  if (isTagged && isOnlyDeleting && isPruneOver(builder, target, version)) {
    builder.log({ level: 'warn', message: 'the deletion of an old version does not end', imageName: target.imageName });
    return undefined;
  }
  const busy = versions.find(isBuilding);
  const since = busy ? ` with version ${busy.imageVersion}, which is being built and cannot be cancelled` : '';
  return {
    waitsFor: `image ${target.imageName} is ${image.state}${since}`,
    advice: `Version ${version.imageVersion} is ready and becomes current with the next deployment.`,
  };
}

async function makeCurrent(builder: Builder, target: Target, { view, version }: Settling): Promise<boolean> {
  const { imageVersion, createdAt } = version;
  const former = view.image.tags[CURRENT_VERSION_TAG];
  const isNew = former !== imageVersion;
  const tags = {
    ...target.tags,
    [CURRENT_VERSION_TAG]: imageVersion,
    ...(isNew && former !== undefined && { [PREVIOUS_VERSION_TAG]: former }),
  };
  const changed = await tagImage(builder, { ...target, tags }, view);
  if (isNew && createdAt !== undefined && createdAt >= target.startedAt - CLOCK_DIFFERENCE_MS) {
    measure(builder, target.imageName, ['buildDuration', builder.clock.now() - target.startedAt]);
  }
  return changed;
}

async function prune(builder: Builder, target: Target, { view, version }: Settling): Promise<Wait | undefined> {
  if (isPruneOver(builder, target, version)) return undefined;
  const wait = { waitsFor: `old versions of image ${target.imageName} are being deleted` };
  try {
    const old = superfluous(view, version.imageVersion, target.retainVersions);
    return await pruneOne(builder, target, old) ? wait : undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (['conflict', 'throttled', 'busy', 'not_found'].includes(error.kind)) return wait;
    builder.log({ level: 'warn', message: 'cannot delete old versions', imageName: target.imageName, error: error.message });
    return undefined;
  }
}

/** Counted from the moment at which the version was built or activated, which is when pruning could begin. */
function isPruneOver({ clock }: Builder, { startedAt }: Target, { updatedAt = 0 }: ImageVersion): boolean {
  return clock.now() - Math.max(startedAt, updatedAt) >= PRUNE_MS;
}

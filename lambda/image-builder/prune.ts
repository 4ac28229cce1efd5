import type { Builder } from './builder';
import { PREVIOUS_VERSION_TAG } from './image-tags';
import type { ImageVersion } from './images';
import type { Target, View } from './target';
import { isBuilding } from './target';

/** How many microVMs of a version are not over: running, suspended, or on their way. */
export async function microvmsOf({ images }: Builder, imageArn: string, imageVersion: string): Promise<number> {
  const microvms = await images.listMicrovms(imageArn, imageVersion);
  return microvms.filter(({ state }) => state !== 'TERMINATED').length;
}

/**
 * What nobody keeps: not the current version, the one that was current before, the newest others that worked, or the newest that failed.
 * Oldest first.
 */
export function superfluous({ image, versions }: View, current: string, retainVersions: number): ImageVersion[] {
  const others = versions.filter((version) => version.imageVersion !== current && !isBuilding(version) && version.state !== 'DELETING');
  const isPrevious = ({ imageVersion }: ImageVersion) => imageVersion === image.tags[PREVIOUS_VERSION_TAG];
  const kept = new Set([
    ...others.filter(({ state }) => state === 'SUCCESSFUL')
      .sort((one, other) => Number(isPrevious(other)) - Number(isPrevious(one)))
      .slice(0, retainVersions),
    ...others.filter(({ state }) => state === 'FAILED').slice(0, 1),
  ]);
  // From an active version a microVM may start while it is being looked at.
  return others.filter((version) => !kept.has(version) && version.status !== 'ACTIVE').reverse();
}

/** Deletes one version that nobody runs. One: the image is busy with it for some seconds, and takes no other change. */
export async function pruneOne(builder: Builder, target: Target, versions: readonly ImageVersion[]): Promise<boolean> {
  for (const { imageVersion } of versions) {
    if (await microvmsOf(builder, target.imageArn, imageVersion) > 0) continue;
    await builder.images.deleteVersion(target.imageArn, imageVersion);
    return true;
  }
  return false;
}

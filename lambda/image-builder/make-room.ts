import type { Builder } from './builder';
import type { ImageVersion } from './images';
import { microvmsOf, pruneOne, superfluous } from './prune';
import { outdated, retire } from './retire';
import type { Wait } from './step';
import type { Target, View } from './target';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';

/** Deletes a version of an image that has as many as it may have: one that nobody keeps, else one that was kept for a rollback. */
export async function makeRoom(builder: Builder, target: Target, view: View): Promise<Wait> {
  const current = currentVersion(view);
  const dispensable = superfluous(view, current, target.retainVersions);
  const kept = superfluous(view, current, 0).filter((version) => !dispensable.includes(version));
  const wait = { waitsFor: `image ${target.imageName} has as many versions as it may have, and older ones are being deleted` };
  const candidates = [...dispensable, ...kept];
  if (await pruneOne(builder, target, candidates)) return wait;
  const active = outdated(view, current);
  if (active.length > 0) {
    await retire(builder, target, active);
    return wait;
  }
  if (view.versions.some(({ state }) => state === 'DELETING')) return wait;
  if (await isOneFreeSoon(builder, target, candidates)) return wait;
  throw new Error(await fullMessage(builder, target, view));
}

/** Whether all microVMs of one of these versions are over, or about to be. */
async function isOneFreeSoon(
  { images }: Builder, { imageArn }: Target, versions: readonly ImageVersion[],
): Promise<boolean> {
  for (const { imageVersion } of versions) {
    const microvms = await images.listMicrovms(imageArn, imageVersion);
    if (microvms.every(({ state }) => state === 'TERMINATING' || state === 'TERMINATED')) return true;
  }
  return false;
}

/** The tagged one; without a tag the newest that worked. */
export function currentVersion({ image, versions }: View): string {
  const tagged = image.tags[CURRENT_VERSION_TAG];
  return tagged ?? versions.find(({ state }) => state === 'SUCCESSFUL')?.imageVersion ?? '';
}

async function fullMessage(builder: Builder, target: Target, { versions }: View): Promise<string> {
  const users: string[] = [];
  for (const { imageVersion } of [...versions].reverse()) {
    const count = await microvmsOf(builder, target.imageArn, imageVersion);
    if (count > 0) users.push(`${imageVersion} by ${count}`);
  }
  return `Image ${target.imageName} has as many versions as it may have (quota L-F8BECE9C), and microVMs that are not terminated keep them: `
    + `version ${users.join(', ')}. End those microVMs, or wait until they end, and deploy again.`;
}

import { removeArtifacts } from './artifacts';
import type { Builder } from './builder';
import { minutes } from './deadline';
import type { IsCompleteEvent } from './events';
import { findImage } from './find-image';
import { OWNER_TAG, ownerTags } from './image-tags';
import type { Image, ListedMicrovm } from './images';
import { findArtifact } from './properties';
import type { Step, Wait } from './step';
import { isBuilding } from './target';
import { wordsOf } from './waits';
import { ServiceError } from '../pool/service-error';

/** Below the platform's 10 terminations a second, which other parts of the account share. */
const TERMINATION_INTERVAL_MS = 125;
/** Twenty seconds' worth; the next look goes on. */
const TERMINATIONS_PER_LOOK = 160;

const ADVICE = 'Delete the stack again: the deletion goes on where this one stopped.';

/** Takes the next step of a delete: drain, delete, wait, clean up. */
export async function deleteImage(builder: Builder, event: IsCompleteEvent): Promise<Step> {
  const imageArn = event.PhysicalResourceId;
  const image = await findOwn(builder, event);
  if (image) return dismantle(builder, imageArn, image);
  const artifact = findArtifact(event.ResourceProperties);
  if (artifact) await removeArtifacts(builder.artifacts, artifact);
  return { data: {} };
}

/**
 * Undefined if there is nothing to delete. An id stands before its image does: under it there may be somebody else's image, or none, and
 * it may be of a shape that this builder never gave out.
 */
async function findOwn({ images, log }: Builder, event: IsCompleteEvent): Promise<Image | undefined> {
  const imageArn = event.PhysicalResourceId;
  if (!/^arn:[^:]+:lambda:[^:]+:[^:]+:microvm-image:/.test(imageArn)) return undefined;
  const image = await findImage(images, imageArn);
  if (!image || image.tags[OWNER_TAG] === ownerTags(event)[OWNER_TAG]) return image;
  log({ level: 'warn', message: 'the image is not of this stack and stays', imageArn });
  return undefined;
}

async function dismantle(builder: Builder, imageArn: string, { state }: Image): Promise<Wait> {
  const { images } = builder;
  if (state === 'DELETING') return { waitsFor: 'the service is still deleting the image', advice: ADVICE };
  const microvms = (await images.listMicrovms(imageArn)).filter((microvm) => microvm.state !== 'TERMINATED');
  if (microvms.length > 0) return drain(builder, microvms);
  // A build cannot be cancelled, and the service refuses to delete an image while one runs.
  if (state === 'CREATING' || state === 'UPDATING') return buildWait(builder, imageArn);
  try {
    await images.delete(imageArn);
    return { waitsFor: 'the service does not begin to delete the image', advice: ADVICE };
  } catch (error) {
    if (!(error instanceof ServiceError && error.kind === 'refused' && /cannot delete/i.test(error.message))) throw error;
    return { waitsFor: `the service refuses to delete the image: ${wordsOf(error)}`, advice: ADVICE };
  }
}

async function buildWait({ images, clock }: Builder, imageArn: string): Promise<Wait> {
  const building = (await images.listVersions(imageArn)).find(isBuilding);
  if (!building) return { waitsFor: 'the image is busy with a change of its versions', advice: ADVICE };
  const { imageVersion, createdAt } = building;
  const since = createdAt === undefined ? '' : ` since ${minutes(clock.now() - createdAt)}`;
  return {
    waitsFor: `version ${imageVersion} of the image is being built${since}; the platform can neither cancel a build nor delete an image during one`,
    advice: `When the build has ended: ${ADVICE.charAt(0).toLowerCase()}${ADVICE.slice(1)}`,
  };
}

async function drain({ images, clock }: Builder, microvms: readonly ListedMicrovm[]): Promise<Wait> {
  const staying = microvms.filter(({ state }) => state !== 'TERMINATING').slice(0, TERMINATIONS_PER_LOOK);
  for (const { microvmId } of staying) {
    try {
      await images.terminate(microvmId);
    } catch (error) {
      // The next look finds those that stayed.
      if (!(error instanceof ServiceError) || error.kind === 'refused') throw error;
    }
    await clock.sleep(TERMINATION_INTERVAL_MS);
  }
  return { waitsFor: `microVMs of the image are not terminated: ${census(microvms)}`, advice: ADVICE };
}

/** As in `3 RUNNING, 1 TERMINATING`. */
function census(microvms: readonly ListedMicrovm[]): string {
  const counts = new Map<string, number>();
  for (const { state } of microvms) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

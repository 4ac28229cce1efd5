import type { Builder } from './builder';
import type { IsCompleteEvent } from './events';
import { findImage } from './find-image';
import { findVersion } from './find-version';
import { ATTEMPT_TAG, attemptTags, DEPLOYMENT_TAG, deploymentTags, OWNER_TAG, ownerTags } from './image-tags';
import type { ImageVersion } from './images';
import { leaveFormerBucket } from './leave-bucket';
import { provideArtifact } from './provide-artifact';
import { baseMajor } from './same-build';
import { settle } from './settle';
import type { Step, Wait } from './step';
import { awaitVersion, submitVersion } from './submit';
import type { View } from './target';
import { isGoing, newestFirst } from './target';
import { wordsOf } from './waits';
import type { Wish } from './wish';
import { readWish } from './wish';
import { IMAGE_ATTRIBUTES } from '../../src/contract/image';
import { ServiceError } from '../pool/service-error';

/** Looks at what there is, and takes the next step to what a deployment wants. All it knows comes from the event and from the service. */
export async function reconcile(builder: Builder, event: IsCompleteEvent): Promise<Step> {
  const wish = await readWish(builder, event);
  if ('waitsFor' in wish) return wish;
  const image = await findImage(builder.images, wish.imageArn);
  if (!image) return createImage(builder, wish);
  // Whoever's it was: the name becomes free.
  if (isGoing(image)) return reservedWait(wish.imageName);
  if (image.tags[OWNER_TAG] !== ownerTags(event)[OWNER_TAG]) throw takenError(wish.imageName);
  if (image.state === 'DELETE_FAILED') {
    await builder.images.delete(wish.imageArn);
    return reservedWait(wish.imageName);
  }
  await announce(builder, event, { wish, tags: image.tags });
  const view = { image, versions: newestFirst(await builder.images.listVersions(wish.imageArn)) };
  const version = await findVersion(builder, wish, { view, acceptsOtherBase: wish.acceptsOtherBase(view) })
    ?? await ownVersion(builder, event, { wish, view });
  if ('waitsFor' in version) return version;
  const wait = await awaitVersion(builder, wish, version) ?? await settle(builder, wish, { view, version });
  if (wait) return wait;
  await leaveFormerBucket(builder, event, wish);
  return { data: attributes(wish, version) };
}

async function createImage({ images, artifacts }: Builder, wish: Wish): Promise<Wait> {
  const missing = await provideArtifact(artifacts, wish.artifact);
  if (missing) return missing;
  try {
    const { imageName: name, build, firstTags: tags, createToken } = wish;
    await images.create({ name, build, tags }, createToken);
    return { waitsFor: `image ${wish.imageName} was asked for and is not there`, advice: 'Deploy again.' };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // The service says so with a 400, also while the image that had the name is still being deleted.
    if (/already exists/i.test(error.message)) return reservedWait(wish.imageName);
    if (error.kind === 'quota' && !/concurrent|memory/i.test(error.message)) throw imagesError(error);
    throw error;
  }
}

/** Tells rebuilds that a deployment is under way. */
async function announce(
  { images }: Builder, event: IsCompleteEvent, { wish, tags }: { readonly wish: Wish; readonly tags: View['image']['tags'] },
): Promise<void> {
  const started = deploymentTags(event, 'started');
  if (tags[DEPLOYMENT_TAG]?.startsWith(started[DEPLOYMENT_TAG] ?? '')) return;
  await images.tag(wish.imageArn, started);
}

/** The version that this attempt of CloudFormation asks for, whatever the service tells of its configuration. */
async function ownVersion(
  builder: Builder, event: IsCompleteEvent, { wish, view }: { readonly wish: Wish; readonly view: View },
): Promise<ImageVersion | Wait> {
  if (view.image.tags[ATTEMPT_TAG] !== attemptTags(event)[ATTEMPT_TAG]) return submitVersion(builder, wish, view);
  const first = view.versions.at(-1);
  return first ?? { waitsFor: `image ${wish.imageName} was created and has no version`, advice: 'Deploy again.' };
}

function attributes({ imageArn, base }: Wish, { imageVersion, build }: ImageVersion): Record<string, string> {
  const major = baseMajor(build.baseImageVersion) ?? Number(base.version);
  return {
    [IMAGE_ATTRIBUTES.imageArn]: imageArn,
    [IMAGE_ATTRIBUTES.imageVersion]: imageVersion,
    [IMAGE_ATTRIBUTES.baseImageVersion]: String(major),
    [IMAGE_ATTRIBUTES.baseImageStatus]: major === Number(base.version) ? base.status : 'UNKNOWN',
  };
}

function reservedWait(imageName: string): Wait {
  return {
    waitsFor: `the name ${imageName} is taken by an image that is being deleted`,
    advice: 'A name stays taken for some minutes after its image was deleted. Deploy again later, or choose another imageName.',
  };
}

function takenError(imageName: string): Error {
  return new Error(`ImageName: the account has an image ${imageName} in this Region that this stack did not make. Choose another name, `
    + 'import that image instead of creating it, or delete it; a name stays taken for some minutes after its image was deleted.');
}

function imagesError(error: ServiceError): Error {
  return new Error(`The service refuses another image: ${wordsOf(error)}. An account has 100 images in a Region unless the quota L-942E56BE `
    + 'is raised; delete some that nobody uses, or raise it.');
}

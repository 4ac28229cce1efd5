import type { Builder } from './builder';
import { minutes } from './deadline';
import { explainFailure } from './explain-failure';
import type { ImageVersion } from './images';
import { makeRoom } from './make-room';
import { provideArtifact } from './provide-artifact';
import type { Wait } from './step';
import type { Target, View } from './target';
import { isBuilding } from './target';
import { wordsOf } from './waits';
import { ServiceError } from '../pool/service-error';

/**
 * Asks for a new version. Asked again with the same token, the service answers the version that it took the first time, so that
 * every look may ask, and no answer is ever lost.
 */
export async function submitVersion(builder: Builder, target: Target, view: View): Promise<ImageVersion | Wait> {
  const missing = await provideArtifact(builder.artifacts, target.artifact);
  if (missing) return missing;
  const { imageArn, build, updateToken } = target;
  try {
    const { imageVersion } = await builder.images.update(imageArn, build, updateToken);
    return await builder.images.getVersion(imageArn, imageVersion);
  } catch (error) {
    if (!(error instanceof ServiceError && isVersionQuota(error))) throw error;
    return makeRoom(builder, target, view);
  }
}

function isVersionQuota(error: ServiceError): boolean {
  return error.kind === 'quota' && /version/i.test(wordsOf(error)) && !/concurrent|memory/i.test(error.message);
}

/** A version that cannot be used yet: what to wait for. Fails with the reason if it never can be. */
export async function awaitVersion(builder: Builder, target: Target, version: ImageVersion): Promise<Wait | undefined> {
  if (version.state === 'SUCCESSFUL') return undefined;
  if (version.state === 'FAILED') throw new Error(await explainFailure(builder, target, version));
  if (!isBuilding(version)) {
    throw new Error(`Version ${version.imageVersion} of image ${target.imageName} was deleted while the deployment waited for it. Deploy again.`);
  }
  return buildWait(target, version, builder.clock.now());
}

export function buildWait({ imageName, logGroupName, startedAt }: Target, version: ImageVersion, now: number): Wait {
  return {
    waitsFor: `version ${version.imageVersion} of image ${imageName} is still being built after ${minutes(now - (version.createdAt ?? startedAt))}`,
    advice: 'The platform cannot cancel a build; until this one ends by itself, the image can be neither changed nor deleted. The usual reason is '
      + 'a registry or package index that the build\'s network does not reach: look at the connector\'s routes and security groups (apt needs port '
      + `80, ghcr.io was seen to hang), and at log group ${logGroupName}. Correct it, and deploy again when the build has ended.`,
  };
}

import type { Artifact, ArtifactStore } from './artifacts';
import { IAM_PATIENCE_MS } from './deadline';
import { zipDockerfile } from './dockerfile-zip';
import type { Wait } from './step';

interface S3Error {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * Puts the artifact where the service reads it, unless it is there. The bucket is the image's own: it outlives a clean-up of CDK's assets.
 * Answers what to wait for if S3 is not ready yet; fails if it never will be.
 */
export async function provideArtifact(artifacts: ArtifactStore, artifact: Artifact): Promise<Wait | undefined> {
  const { place, source, dockerfile } = artifact;
  try {
    const presence = await artifacts.find(place);
    if (presence === 'there') return undefined;
    if (source) await artifacts.copy(source, place);
    else if (dockerfile !== undefined) await artifacts.put(place, await zipDockerfile(dockerfile));
    else return absent(artifact, presence);
    return undefined;
  } catch (error) {
    return failure(artifact, error as S3Error);
  }
}

function absent({ place }: Artifact, presence: 'missing' | 'hidden'): Wait {
  const object = `object ${place.key} in bucket ${place.bucket}`;
  if (presence === 'missing') {
    throw new ArtifactError(`There is no ${object}, from which the image is to be built. Put it there, or correct bucket and key.`);
  }
  return {
    waitsFor: `there is no ${object}, from which the image is to be built, or the image-builder may not read it`,
    advice: 'Put it there, or let the bucket\'s policy and key grant s3:GetObject.',
    atMostMs: IAM_PATIENCE_MS,
  };
}

class ArtifactError extends Error {}

function failure({ place, source }: Artifact, error: S3Error): Wait {
  if (error instanceof ArtifactError) throw error;
  const what = source ? `copy ${source.key} of bucket ${source.bucket} to bucket ${place.bucket}` : `put ${place.key} to bucket ${place.bucket}`;
  const words = `cannot ${what}: ${error.name ?? 'Error'}: ${error.message ?? 'no message'}`.replace(/\.$/, '');
  const status = error.$metadata?.httpStatusCode ?? 0;
  if (error.name === 'AccessDenied' || status === 403) {
    return { waitsFor: words, advice: 'Look at the policies of both buckets and at their keys.', atMostMs: IAM_PATIENCE_MS };
  }
  // No status: there was no answer at all.
  if (status === 0 || status === 429 || status >= 500) return { waitsFor: words, advice: 'S3 is failing; deploy again later.' };
  if (/copy source is larger/i.test(error.message ?? '')) {
    throw new Error(`C${words.slice(1)}. S3 copies objects of 5 GiB at most; make the build context smaller.`);
  }
  const advice = /NoSuchKey|NoSuchBucket|NoSuchVersion|NotFound/.test(error.name ?? '') ? ' Publish the assets again, or correct bucket, key and version.' : '';
  throw new Error(`C${words.slice(1)}.${advice}`);
}

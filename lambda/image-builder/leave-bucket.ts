import { removeArtifacts } from './artifacts';
import type { Builder } from './builder';
import type { IsCompleteEvent } from './events';
import { findArtifact } from './properties';
import type { Wish } from './wish';

/**
 * Deletes what the image has in a bucket that it does not use any more. CloudFormation deletes next what has left the stack, and a bucket
 * only if nothing is in it. In a rollback that is the bucket of the failed update.
 *
 * What cannot be deleted is told, and no reason to fail: every version is built already.
 */
export async function leaveFormerBucket(
  { artifacts, log }: Builder, { OldResourceProperties }: IsCompleteEvent, { artifact, imageName }: Wish,
): Promise<void> {
  const former = findArtifact(OldResourceProperties);
  const { bucket } = artifact.place;
  if (former === undefined || former.place.bucket === bucket) return;
  try {
    await removeArtifacts(artifacts, former);
  } catch (error) {
    log({ level: 'warn', message: 'cannot delete the artifacts in the former bucket', imageName, bucket: former.place.bucket, error: (error as Error).name });
  }
}

import type { BuildProgress } from './images';

/** Documented codes, and the sentences that the service really sends. Matched loosely: neither list is complete. */
export const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/S3_CROSS_REGION_ACCESS_DENIED/i, 'the artifact bucket is in another Region; it must be in the image\'s'],
  [/S3_ACCESS_DENIED/i, 'the build role may not read the artifact, or not use its key: grant it s3:GetObject and kms:Decrypt'],
  [/S3_NO_SUCH_KEY/i, 'the artifact is not in its bucket any more; deploy again, or put it back'],
  [/S3_NO_SUCH_BUCKET/i, 'the artifact bucket does not exist; correct its name'],
  [/S3_INVALID_OBJECT/i, 'the artifact is in an archive storage class; restore it, or keep lifecycle rules off it'],
  [/ARCHIVE_DOCKERFILE_NOT_FOUND/i, 'the artifact has no Dockerfile at its root; zip the content of the folder, not the folder'],
  [/ARCHIVE_INVALID/i, 'the artifact is no zip file'],
  [/CONTAINER_BUILD_FAILED|container image build failed/i, 'a step of the Dockerfile failed; the log has its output. With an empty log, the build '
    + 'role cannot write to the log group'],
  [/DISK_STORAGE_FULL/i, 'the image does not fit on the disk of its memory size: 8 GB up to 2048 MiB, 16 GB at 4096, 32 GB at 8192'],
  [/INTERNAL_PLATFORM_ERROR|internal service error/i, 'the platform failed; deploy again'],
  [/ready hook invocation timed out/i, 'the application did not answer /ready with 200 in time; look at its start in the log, at the hooks\' port, and '
    + 'whether it listens on 0.0.0.0'],
  [/validate hook invocation timed out/i, 'the application, restored from its snapshot, did not answer /validate with 200 in time'],
  [/(ready|validate) hook check failed/i, 'the application answered the hook with neither 200 nor 503; the first such answer ends a build'],
  [/container stopped with exit code/i, 'the program that the Dockerfile starts ended by itself; its last words are in the log. 126 and 127 mean that it is '
    + 'not executable or not there, also because it is not for arm64'],
  [/unable to assume|assume.{0,40}role/i, 'the build role\'s trust must name lambda.amazonaws.com with sts:AssumeRole and sts:TagSession'],
  [/\bECR\b|registry|pull access|manifest unknown/i, 'an image named in a FROM could not be pulled: look at the build role\'s ECR rights and at the build\'s network'],
  [/NotStabilized|did not stabilize/i, 'the application came to no rest: look at the hooks\' port, and leave IPv6 in the image as it is, because hooks need it'],
];

/** What a reason usually means, or undefined. */
export function meaningOf(reason: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(reason))?.[1];
}

/** What the parts of a snapshot that a build came to have tell of a failure that has no reason. */
export function meaningOfProgress({ hasCode, hasSnapshot }: BuildProgress): string {
  if (hasSnapshot) return 'the snapshot was taken, so that the failure came after it: look at /validate';
  if (hasCode) {
    return 'the container was built, but the application never became ready: a hook port that nothing listens on, or a program that ended';
  }
  return 'no container came out of the Dockerfile: a step of it failed, or the build role can neither read the artifact nor write its log';
}

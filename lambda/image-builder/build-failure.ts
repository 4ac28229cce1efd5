import type { Build, ImageVersion } from './images';

/** Documented codes, and the sentences that the service really sends. Matched loosely: neither list is complete. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/S3_CROSS_REGION_ACCESS_DENIED/i, 'the artifact bucket is in another Region'],
  [/S3_ACCESS_DENIED/i, 'the build role may not read the artifact, or its key'],
  [/S3_NO_SUCH_KEY/i, 'the artifact is not in its bucket any more'],
  [/S3_NO_SUCH_BUCKET/i, 'the artifact bucket does not exist'],
  [/S3_INVALID_OBJECT/i, 'the artifact is in an archive storage class'],
  [/ARCHIVE_DOCKERFILE_NOT_FOUND/i, 'the artifact has no Dockerfile at its root'],
  [/ARCHIVE_INVALID/i, 'the artifact is no zip file'],
  [/CONTAINER_BUILD_FAILED|container image build failed/i, 'a step of the Dockerfile failed; the log has its output'],
  [/DISK_STORAGE_FULL/i, 'the image does not fit on the disk of its memory size'],
  [/INTERNAL_PLATFORM_ERROR|internal service error/i, 'the platform failed; deploy again'],
  [/ready hook invocation timed out/i, 'the application did not answer /ready with 200 in time, or listens on another port than the hooks\''],
  [/validate hook invocation timed out/i, 'the application did not answer /validate with 200 in time'],
  [/(ready|validate) hook check failed/i, 'the application answered the hook with neither 200 nor 503'],
];

/** Longest reason that is repeated: CloudFormation cuts a message at some thousand characters. */
const REASON_LENGTH = 400;

export interface FailedBuilds {
  readonly name: string;
  readonly version: ImageVersion;
  readonly builds: readonly Build[];
  readonly logGroupName: string;
}

/** Says which build of a version failed, why, and where to read on. A version has a build per processor generation. */
export function failureMessage({ name, version, builds, logGroupName }: FailedBuilds): string {
  const failed = builds.filter(({ state }) => state === 'FAILED');
  const reasons = failed.map(({ chipset, chipsetGeneration, stateReason }) => (
    `Build for ${`${chipset} ${chipsetGeneration}`.trim()}: ${explain(stateReason ?? version.stateReason)}`
  ));
  // The reason is usually on the build, sometimes only on the version.
  if (reasons.length === 0) reasons.push(explain(version.stateReason));
  return `Image ${name}, version ${version.imageVersion}, failed to build. ${reasons.join(' ')} Build log: log group ${logGroupName}.`;
}

function explain(reason: string | undefined): string {
  if (!reason) return 'the service gave no reason; usual are a hook port that nothing listens on and a build role that cannot write its log.';
  const meaning = MEANINGS.find(([pattern]) => pattern.test(reason))?.[1];
  const sentence = reason.slice(0, REASON_LENGTH).replace(/\.?$/, '');
  return meaning ? `${sentence} (${meaning}).` : `${sentence}.`;
}

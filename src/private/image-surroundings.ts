import { RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { artifactBucketOf } from './artifact-bucket';
import type { Artifact } from './bound-source';
import { allowLogs } from './encryption';
import { acknowledgeLogGroup } from './nag-suppressions';
import { BUILD_LOG_GROUP_PREFIX } from '../contract/image';
import type { SandboxImageProps } from '../sandbox-image-props';
import { ValidationError } from '../validation-error';

export interface ImageBucketProps extends Pick<SandboxImageProps, 'artifactBucket' | 'removalPolicy'> {
  readonly artifact: Artifact;
  readonly key?: kms.IKey;
  /** The image-builder's role. */
  readonly builder: iam.IRole;
}

/** Where the build reads from: the object's own bucket, the user's, or the shared one. */
export function artifactBucketFor(image: Construct, props: ImageBucketProps): s3.IBucket {
  const { artifact, artifactBucket, removalPolicy, key, builder } = props;
  if (artifact.kind === 'inPlace') {
    if (artifactBucket === undefined) return artifact.bucket;
    throw new ValidationError(
      'artifactBucket: an object of ImageSource.bucket() without version is used where it lies; name its objectVersion to have it copied, '
      + 'or leave artifactBucket out',
      image,
    );
  }
  if (artifactBucket !== undefined) return artifactBucket;
  const bucket = artifactBucketOf(image, { encryptionKey: key, builder });
  // Nobody empties it for an image that stays, and a bucket with objects in it cannot be deleted.
  const stays = (removalPolicy ?? RemovalPolicy.DESTROY) !== RemovalPolicy.DESTROY;
  if (stays) bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return bucket;
}

export interface BuildLogsProps extends Pick<SandboxImageProps, 'logRetention' | 'removalPolicy'> {
  readonly key?: kms.IKey;
}

/** The service would make the group by itself, keep it for ever, and leave it behind. */
export function createBuildLogs(image: Construct, imageName: string, props: BuildLogsProps): logs.LogGroup {
  const { logRetention, removalPolicy, key } = props;
  if (key !== undefined) allowLogs(image, key);
  const logGroup = new logs.LogGroup(image, 'BuildLogs', {
    logGroupName: `${BUILD_LOG_GROUP_PREFIX}${imageName}`,
    retention: logRetention ?? logs.RetentionDays.TWO_WEEKS,
    removalPolicy: removalPolicy ?? RemovalPolicy.DESTROY,
    encryptionKey: key,
  });
  acknowledgeLogGroup(logGroup);
  return logGroup;
}

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { idForKey } from './encryption';
import { acknowledgeArtifactBucket } from './nag-suppressions';

const ID = 'MicrovmSandboxArtifacts';

export interface ArtifactBucketProps {
  readonly encryptionKey?: kms.IKey;
  /** The image-builder's role. */
  readonly builder: iam.IRole;
}

/** The stack's one bucket, for each key, that the platform reads build contexts from, made on first use. */
export function artifactBucketOf(scope: Construct, props: ArtifactBucketProps): s3.Bucket {
  const stack = Stack.of(scope);
  const id = idForKey(ID, props.encryptionKey);
  return stack.node.tryFindChild(id) as s3.Bucket | undefined ?? createBucket(stack, id, props);
}

function createBucket(stack: Stack, id: string, { encryptionKey, builder }: ArtifactBucketProps): s3.Bucket {
  const bucket = new s3.Bucket(stack, id, {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: encryptionKey === undefined ? s3.BucketEncryption.S3_MANAGED : s3.BucketEncryption.KMS,
    encryptionKey,
    // One call of the key for many objects: KMS bills each call.
    bucketKeyEnabled: encryptionKey === undefined ? undefined : true,
    enforceSSL: true,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [
      // An artifact is read once, and the image-builder copies it again before any build that finds it gone.
      { id: 'OldArtifacts', expiration: Duration.days(30) },
      { id: 'AbortedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
    // The image-builder deletes an image's objects when the image goes or moves, so the bucket is empty when its turn comes.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  allowCleanUp(bucket, builder);
  acknowledgeArtifactBucket(bucket);
  return bucket;
}

/**
 * In the bucket's policy, which stays as it is until the bucket goes: CloudFormation gives an image's own policy the next bucket before
 * the image moves there, and again the former one before a rollback.
 */
function allowCleanUp(bucket: s3.Bucket, builder: iam.IRole): void {
  const principals = [new iam.ArnPrincipal(builder.roleArn)];
  bucket.addToResourcePolicy(new iam.PolicyStatement({ principals, actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  bucket.addToResourcePolicy(new iam.PolicyStatement({ principals, actions: ['s3:DeleteObject'], resources: [bucket.arnForObjects('*')] }));
}

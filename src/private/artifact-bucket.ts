import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledgeArtifactBucket } from './nag-suppressions';

const ID = 'MicrovmSandboxArtifacts';

/** The stack's one bucket that the platform reads build contexts from, made on first use. */
export function artifactBucketOf(scope: Construct): s3.Bucket {
  const stack = Stack.of(scope);
  return stack.node.tryFindChild(ID) as s3.Bucket | undefined ?? createBucket(stack);
}

function createBucket(stack: Stack): s3.Bucket {
  const bucket = new s3.Bucket(stack, ID, {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [
      // An artifact is read once, and the image-builder copies it again before any build that finds it gone.
      { id: 'OldArtifacts', expiration: Duration.days(30) },
      { id: 'AbortedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
    // The image-builder deletes an image's objects with the image, so the bucket is empty when its turn comes.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledgeArtifactBucket(bucket);
  return bucket;
}

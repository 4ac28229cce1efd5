import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { BoundSource } from './bound-source';
import { fingerprintOf } from './fingerprint';
import type { BucketSourceOptions } from '../image-source';
import { ValidationError } from '../validation-error';

export interface BucketObject extends BucketSourceOptions {
  readonly key: string;
}

const MAX_KEY_LENGTH = 1024;

export function checkObject(key: string, { objectVersion }: BucketSourceOptions): void {
  if (!Token.isUnresolved(key)) {
    if (key === '' || key.startsWith('/') || key.length > MAX_KEY_LENGTH) {
      throw new ValidationError(
        `ImageSource.bucket: the key '${key}' must have 1 to ${MAX_KEY_LENGTH} characters and not begin with '/', like contexts/app.zip`,
      );
    }
    // The key becomes a resource of IAM, where they would open other objects too.
    if (/[*?]/.test(key)) throw new ValidationError(`ImageSource.bucket: the key '${key}' may not hold '*' and '?'; name one object`);
  }
  if (objectVersion !== undefined && !Token.isUnresolved(objectVersion) && !/^\S+$/.test(objectVersion)) {
    throw new ValidationError(`ImageSource.bucket: objectVersion '${objectVersion}' is not the version of an object; leave it out for none`);
  }
}

export function bindObject(scope: Construct, bucket: s3.IBucket, { key, objectVersion }: BucketObject): BoundSource {
  if (objectVersion !== undefined) {
    return { artifact: { kind: 'copied', bucket, key, objectVersion, fingerprint: fingerprint(scope, bucket, { key, objectVersion }) } };
  }
  checkRegion(scope, bucket);
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:sourceObjectWithoutVersion',
    'ImageSource.bucket: without objectVersion another content under the same key is not seen, and builds nothing. Put the hash of the content '
    + 'into the key, or name the version.',
  );
  return { artifact: { kind: 'inPlace', bucket, key } };
}

/** A version that is not known yet stands in the key itself: no hash of it would change with it. */
function fingerprint(scope: Construct, bucket: s3.IBucket, { key, objectVersion = '' }: BucketObject): string {
  const hash = fingerprintOf(scope, bucket.bucketName, key, objectVersion);
  return [key, objectVersion].filter((value) => Token.isUnresolved(value)).concat(hash).reverse().join('-');
}

function checkRegion(scope: Construct, bucket: s3.IBucket): void {
  const [there, here] = [bucket.env.region, Stack.of(scope).region];
  if (Token.isUnresolved(there) || Token.isUnresolved(here) || there === here) return;
  throw new ValidationError(
    `ImageSource.bucket: the bucket is in ${there}, and a build reads from its own Region, ${here}, only; name the objectVersion to have it copied`,
    scope,
  );
}

import { decodeAwsChunked, isAwsChunked } from '../../services/s3/aws-chunked';
import { s3Location } from '../../services/s3/s3-operation';
import type { DeletedObject } from '../../services/s3/s3-xml';
import { parseDelete } from '../../services/s3/s3-xml';
import type { Access, ContextKeys } from '../authorization';
import type { AccessCall } from './access-sources';

/** Actions on a bucket, by operation. */
const ON_BUCKET: Readonly<Record<string, string>> = {
  CreateBucket: 's3:CreateBucket',
  DeleteBucket: 's3:DeleteBucket',
  DeleteBucketCors: 's3:PutBucketCORS',
  DeleteBucketEncryption: 's3:PutEncryptionConfiguration',
  DeleteBucketLifecycle: 's3:PutLifecycleConfiguration',
  DeleteBucketOwnershipControls: 's3:PutBucketOwnershipControls',
  DeleteBucketPolicy: 's3:DeleteBucketPolicy',
  DeleteBucketTagging: 's3:PutBucketTagging',
  DeletePublicAccessBlock: 's3:PutBucketPublicAccessBlock',
  GetBucketCors: 's3:GetBucketCORS',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  PutBucketCors: 's3:PutBucketCORS',
  PutBucketEncryption: 's3:PutEncryptionConfiguration',
  PutBucketLifecycleConfiguration: 's3:PutLifecycleConfiguration',
  PutPublicAccessBlock: 's3:PutBucketPublicAccessBlock',
  GetBucketLocation: 's3:GetBucketLocation',
  GetBucketPolicy: 's3:GetBucketPolicy',
  GetBucketTagging: 's3:GetBucketTagging',
  HeadBucket: 's3:ListBucket',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  PutBucketPolicy: 's3:PutBucketPolicy',
};

/** Actions on an object, by operation; every other one is named as its operation. */
const ON_OBJECT: Readonly<Record<string, string>> = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  HeadObject: 's3:GetObject',
  ListParts: 's3:ListMultipartUploadParts',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
};

/** Actions on one version of an object, which the query names. */
const ON_VERSION: Readonly<Record<string, string>> = {
  DeleteObject: 's3:DeleteObjectVersion',
  DeleteObjectTagging: 's3:DeleteObjectVersionTagging',
  GetObject: 's3:GetObjectVersion',
  GetObjectTagging: 's3:GetObjectVersionTagging',
  HeadObject: 's3:GetObjectVersion',
  PutObjectTagging: 's3:PutObjectVersionTagging',
};

const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;

/** The rights that an operation on buckets and objects needs. */
export function s3Accesses(call: AccessCall): Access[] {
  const { operation, request } = call;
  if (operation === 'ListBuckets') return [{ action: 's3:ListAllMyBuckets', resource: '*' }];
  const { bucket, key } = s3Location(request.path);
  const bucketArn = `arn:aws:s3:::${bucket}`;
  if (operation === 'DeleteObjects') {
    return deletedObjects(call).map(({ key: name, versionId }) => (
      { action: versionId ? 's3:DeleteObjectVersion' : 's3:DeleteObject', resource: objectArn(bucket, name) }
    ));
  }
  if (key === '') return [{ action: ON_BUCKET[operation] ?? `s3:${operation}`, resource: bucketArn, context: listing(call) }];
  const onVersion = request.query.has('versionId') ? ON_VERSION[operation] : undefined;
  const target = { action: onVersion ?? ON_OBJECT[operation] ?? `s3:${operation}`, resource: objectArn(bucket, key) };
  return [...copied(call), target, ...alsoNeeded(call, { bucket, key })];
}

/** What a listing is narrowed to. */
function listing({ operation, request: { query } }: AccessCall): ContextKeys {
  if (!operation.startsWith('List')) return {};
  const given = (name: string): ContextKeys => (query.has(name) ? { [`s3:${name}`]: query.get(name) ?? '' } : {});
  return { ...given('prefix'), ...given('delimiter'), ...given('max-keys') };
}

/** The source of a copy. */
function copied({ request: { headers } }: AccessCall): Access[] {
  const source = headers['x-amz-copy-source'];
  if (source === undefined) return [];
  const [path, query] = source.replace(/^\//, '').split('?');
  const { bucket, key } = s3Location(`/${path}`);
  const onVersion = new URLSearchParams(query).has('versionId');
  const copiesTags = headers['x-amz-tagging-directive'] !== 'REPLACE';
  const operations = copiesTags ? ['GetObject', 'GetObjectTagging'] : ['GetObject'];
  return operations.map((name) => ({ action: onVersion ? ON_VERSION[name] : `s3:${name}`, resource: objectArn(bucket, key) }));
}

function alsoNeeded(
  { operation, request: { headers }, sources }: AccessCall, { bucket, key }: { bucket: string; key: string },
): Access[] {
  const resource = objectArn(bucket, key);
  if ((operation === 'GetObject' || operation === 'HeadObject') && !sources.hasObject(bucket, key)) {
    // Only who may list the bucket learns that an object is not there; the others are told that they may not.
    return [{ action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}`, conceals: true }];
  }
  return [
    ...(operation === 'PutObject' && headers['if-match'] !== undefined ? [{ action: 's3:GetObject', resource }] : []),
    ...(headers['x-amz-tagging'] !== undefined ? [{ action: 's3:PutObjectTagging', resource }] : []),
    ...(headers['x-amz-acl'] !== undefined ? [{ action: 's3:PutObjectAcl', resource }] : []),
  ];
}

/** None for a body that S3 refuses anyway. */
function deletedObjects({ request: { body, headers } }: AccessCall): DeletedObject[] {
  try {
    return parseDelete(isAwsChunked(headers) ? decodeAwsChunked(body) : body).objects;
  } catch {
    return [];
  }
}

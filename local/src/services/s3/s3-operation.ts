import type { ApiRequest } from '../../api';
import { ServiceError } from '../service-error';

export const S3_OPERATIONS = [
  'ListBuckets', 'CreateBucket', 'DeleteBucket', 'HeadBucket', 'ListObjectsV2', 'ListObjectVersions', 'DeleteObjects', 'GetBucketTagging',
  'GetBucketPolicy', 'PutBucketPolicy', 'DeleteBucketPolicy', 'GetBucketLocation', 'PutObject', 'CopyObject', 'GetObject', 'HeadObject',
  'DeleteObject', 'ListObjects', 'PutBucketTagging', 'DeleteBucketTagging', 'GetObjectTagging', 'PutObjectTagging', 'DeleteObjectTagging',
  'CreateMultipartUpload', 'UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'AbortMultipartUpload', 'ListParts',
  'ListMultipartUploads', 'GetBucketEncryption', 'PutBucketEncryption', 'DeleteBucketEncryption', 'GetBucketVersioning',
  'PutBucketVersioning', 'GetBucketLifecycleConfiguration', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle',
  'GetPublicAccessBlock', 'PutPublicAccessBlock', 'DeletePublicAccessBlock', 'GetBucketOwnershipControls',
  'PutBucketOwnershipControls', 'DeleteBucketOwnershipControls', 'GetBucketCors', 'PutBucketCors', 'DeleteBucketCors',
] as const;

export type S3Operation = (typeof S3_OPERATIONS)[number];

type ByMethod = Readonly<Record<string, S3Operation>>;

/** Operations on a bucket that a query parameter names. */
const SUBRESOURCES: Readonly<Record<string, ByMethod>> = {
  tagging: { GET: 'GetBucketTagging', PUT: 'PutBucketTagging', DELETE: 'DeleteBucketTagging' },
  policy: { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  location: { GET: 'GetBucketLocation' },
  versions: { GET: 'ListObjectVersions' },
  delete: { POST: 'DeleteObjects' },
  uploads: { GET: 'ListMultipartUploads' },
  encryption: { GET: 'GetBucketEncryption', PUT: 'PutBucketEncryption', DELETE: 'DeleteBucketEncryption' },
  versioning: { GET: 'GetBucketVersioning', PUT: 'PutBucketVersioning' },
  lifecycle: { GET: 'GetBucketLifecycleConfiguration', PUT: 'PutBucketLifecycleConfiguration', DELETE: 'DeleteBucketLifecycle' },
  publicAccessBlock: { GET: 'GetPublicAccessBlock', PUT: 'PutPublicAccessBlock', DELETE: 'DeletePublicAccessBlock' },
  ownershipControls: { GET: 'GetBucketOwnershipControls', PUT: 'PutBucketOwnershipControls', DELETE: 'DeleteBucketOwnershipControls' },
  cors: { GET: 'GetBucketCors', PUT: 'PutBucketCors', DELETE: 'DeleteBucketCors' },
};

/** Operations on buckets of which nothing is emulated. */
const UNKNOWN_SUBRESOURCES = ['accelerate', 'acl', 'analytics', 'intelligent-tiering', 'inventory', 'logging', 'metrics', 'notification', 'object-lock', 'policyStatus', 'replication', 'requestPayment', 'website'];

/** Operations on an object that a query parameter names. */
const OBJECT_SUBRESOURCES: Readonly<Record<string, ByMethod>> = {
  tagging: { GET: 'GetObjectTagging', PUT: 'PutObjectTagging', DELETE: 'DeleteObjectTagging' },
  uploads: { POST: 'CreateMultipartUpload' },
  uploadId: { PUT: 'UploadPart', POST: 'CompleteMultipartUpload', DELETE: 'AbortMultipartUpload', GET: 'ListParts' },
};

const ON_BUCKET: ByMethod = { PUT: 'CreateBucket', DELETE: 'DeleteBucket', HEAD: 'HeadBucket' };
const ON_OBJECT: ByMethod = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' };

/** Query parameters of an object's URL that ask for something that is not emulated. */
const UNKNOWN_OBJECT_SUBRESOURCES = ['acl', 'attributes', 'legal-hold', 'partNumber', 'restore', 'retention', 'select', 'torrent'];

/** The bucket and key of a path-style URL, decoded. */
export function s3Location(path: string): { bucket: string; key: string } {
  const [, bucket, key] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? ['', '', ''];
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  } catch {
    throw new ServiceError('InvalidURI', 'Couldn\'t parse the specified URI.');
  }
}

/** What a request asks for. Undefined: nothing that is emulated. */
export function s3Operation({ method, path, query, headers }: ApiRequest): S3Operation | undefined {
  const { bucket, key } = s3Location(path);
  if (!bucket) return method === 'GET' ? 'ListBuckets' : undefined;
  if (key) {
    const known = Object.keys(OBJECT_SUBRESOURCES).find((name) => query.has(name));
    const operation = known ? OBJECT_SUBRESOURCES[known][method] : undefined;
    if (operation === 'UploadPart' && headers['x-amz-copy-source']) return 'UploadPartCopy';
    if (known) return operation;
    if (UNKNOWN_OBJECT_SUBRESOURCES.some((name) => query.has(name))) return undefined;
    return method === 'PUT' && headers['x-amz-copy-source'] ? 'CopyObject' : ON_OBJECT[method];
  }
  const subresource = Object.keys(SUBRESOURCES).find((name) => query.has(name));
  if (subresource) return SUBRESOURCES[subresource][method];
  if (UNKNOWN_SUBRESOURCES.some((name) => query.has(name))) return undefined;
  if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  return ON_BUCKET[method];
}

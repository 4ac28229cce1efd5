import type { ApiRequest } from '../../api';

export const S3_OPERATIONS = [
  'ListBuckets', 'CreateBucket', 'DeleteBucket', 'HeadBucket', 'ListObjectsV2', 'ListObjectVersions', 'DeleteObjects', 'GetBucketTagging',
  'GetBucketPolicy', 'PutBucketPolicy', 'DeleteBucketPolicy', 'GetBucketLocation', 'PutObject', 'CopyObject', 'GetObject', 'HeadObject',
  'DeleteObject',
] as const;

export type S3Operation = (typeof S3_OPERATIONS)[number];

type ByMethod = Readonly<Record<string, S3Operation>>;

/** Operations on a bucket that a query parameter names. */
const SUBRESOURCES: Readonly<Record<string, ByMethod>> = {
  tagging: { GET: 'GetBucketTagging' },
  policy: { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  location: { GET: 'GetBucketLocation' },
  versions: { GET: 'ListObjectVersions' },
  delete: { POST: 'DeleteObjects' },
};

const ON_BUCKET: ByMethod = { PUT: 'CreateBucket', DELETE: 'DeleteBucket', HEAD: 'HeadBucket' };
const ON_OBJECT: ByMethod = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' };

/** Query parameters of an object's URL that ask for something else than the object. */
const OBJECT_SUBRESOURCES = ['acl', 'attributes', 'legal-hold', 'partNumber', 'restore', 'retention', 'select', 'tagging', 'torrent', 'uploadId', 'uploads'];

/** The bucket and key of a path-style URL, decoded. */
export function s3Location(path: string): { bucket: string; key: string } {
  const [, bucket, key] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? ['', '', ''];
  return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
}

/** What a request asks for. Undefined: nothing that is emulated. */
export function s3Operation({ method, path, query, headers }: ApiRequest): S3Operation | undefined {
  const { bucket, key } = s3Location(path);
  if (!bucket) return method === 'GET' ? 'ListBuckets' : undefined;
  if (key) {
    if (OBJECT_SUBRESOURCES.some((name) => query.has(name))) return undefined;
    return method === 'PUT' && headers['x-amz-copy-source'] ? 'CopyObject' : ON_OBJECT[method];
  }
  const subresource = Object.keys(SUBRESOURCES).find((name) => query.has(name));
  if (subresource) return SUBRESOURCES[subresource][method];
  if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : undefined;
  return ON_BUCKET[method];
}

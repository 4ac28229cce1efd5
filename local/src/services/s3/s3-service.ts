import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import { ServiceError } from '../service-error';
import { decodeAwsChunked, isAwsChunked } from './aws-chunked';
import type { BucketStore, PutOptions, StoredObject } from './bucket-store';
import { listObjects } from './object-listing';
import type { S3Operation } from './s3-operation';
import { s3Location, s3Operation } from './s3-operation';
import { parseDelete, xmlError, xmlResponse } from './s3-xml';

interface S3Request extends ApiRequest {
  readonly bucket: string;
  readonly key: string;
}

type Handler = (request: S3Request) => ApiResponse | Promise<ApiResponse>;

/** S3 over path-style URLs, presigned and unsigned ones too. */
export class S3Service implements ApiService {
  readonly #handlers: Readonly<Record<S3Operation, Handler>> = {
    ListBuckets: () => this.#listBuckets(),
    CreateBucket: ({ bucket }) => (this.store.createBucket(bucket), { status: 200, headers: { location: `/${bucket}` } }),
    DeleteBucket: ({ bucket }) => (this.store.deleteBucket(bucket), { status: 204 }),
    HeadBucket: ({ bucket }) => (this.store.bucket(bucket), { status: 200 }),
    ListObjectsV2: (request) => this.#listObjectsV2(request),
    ListObjectVersions: (request) => this.#listObjectVersions(request),
    DeleteObjects: (request) => this.#deleteObjects(request),
    GetBucketTagging: (request) => this.#getBucketTagging(request),
    GetBucketPolicy: ({ bucket }) => this.#getBucketPolicy(bucket),
    PutBucketPolicy: ({ bucket, body }) => (this.store.bucket(bucket).policy = body.toString(), { status: 204 }),
    DeleteBucketPolicy: ({ bucket }) => (this.store.bucket(bucket).policy = undefined, { status: 204 }),
    GetBucketLocation: ({ bucket }) => (this.store.bucket(bucket), xmlResponse(200, 'LocationConstraint', {})),
    PutObject: (request) => this.#putObject(request),
    CopyObject: (request) => this.#copyObject(request),
    GetObject: (request) => this.#getObject(request),
    HeadObject: ({ bucket, key }) => this.#headObject(bucket, key),
    DeleteObject: async ({ bucket, key }) => (await this.store.delete(bucket, key), { status: 204 }),
  };

  constructor(private readonly store: BucketStore) {}

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const operation = s3Operation(request);
      if (!operation) throw new ServiceError('NotImplemented', `the local cloud's S3 has no ${request.method} ${request.path}?${[...request.query.keys()]}`, 501);
      return await this.#handlers[operation]({ ...request, ...s3Location(request.path) });
    } catch (error) {
      // An answer to HEAD has no body; clients read the status.
      const answer = xmlError(error);
      return request.method === 'HEAD' ? { status: answer.status } : answer;
    }
  }

  #listBuckets(): ApiResponse {
    const Bucket = this.store.buckets().map(({ name, createdAt }) => ({ Name: name, CreationDate: iso(createdAt) }));
    return xmlResponse(200, 'ListAllMyBucketsResult', { Buckets: { Bucket } });
  }

  #listObjectsV2({ bucket, query }: S3Request): ApiResponse {
    const { objects, commonPrefixes, maxKeys, nextToken } = listObjects(this.store.bucket(bucket), query);
    return xmlResponse(200, 'ListBucketResult', {
      Name: bucket,
      Prefix: query.get('prefix') ?? '',
      KeyCount: objects.length + commonPrefixes.length,
      MaxKeys: maxKeys,
      IsTruncated: nextToken !== undefined,
      ...(nextToken && { NextContinuationToken: nextToken }),
      Contents: objects.map(described),
      CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix })),
    });
  }

  /** Buckets here have no versions: each object has the one that S3 calls `null`. */
  #listObjectVersions({ bucket, query }: S3Request): ApiResponse {
    const { objects, maxKeys, nextToken } = listObjects(this.store.bucket(bucket), query);
    return xmlResponse(200, 'ListVersionsResult', {
      Name: bucket,
      MaxKeys: maxKeys,
      IsTruncated: nextToken !== undefined,
      ...(nextToken && { NextKeyMarker: objects.at(-1)?.key, NextVersionIdMarker: 'null' }),
      Version: objects.map((object) => ({ ...described(object), VersionId: 'null', IsLatest: true })),
    });
  }

  async #deleteObjects({ bucket, body, headers }: S3Request): Promise<ApiResponse> {
    const { keys, quiet } = parseDelete(payload(body, headers));
    for (const key of keys) await this.store.delete(bucket, key);
    return xmlResponse(200, 'DeleteResult', { Deleted: quiet ? [] : keys.map((Key) => ({ Key })) });
  }

  #getBucketTagging({ bucket }: S3Request): ApiResponse {
    const tags = Object.entries(this.store.bucket(bucket).tags);
    if (tags.length === 0) throw new ServiceError('NoSuchTagSet', 'The TagSet does not exist', 404);
    return xmlResponse(200, 'Tagging', { TagSet: { Tag: tags.map(([Key, Value]) => ({ Key, Value })) } });
  }

  #getBucketPolicy(bucket: string): ApiResponse {
    const { policy } = this.store.bucket(bucket);
    if (!policy) throw new ServiceError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: policy };
  }

  async #putObject({ bucket, key, body, headers }: S3Request): Promise<ApiResponse> {
    const options: PutOptions = {
      headers: keptHeaders(headers),
      ifNoneMatch: headers['if-none-match'],
      ifMatch: headers['if-match'],
    };
    const { etag } = await this.store.put(bucket, key, payload(body, headers), options);
    return { status: 200, headers: { etag } };
  }

  async #copyObject({ bucket, key, headers }: S3Request): Promise<ApiResponse> {
    const from = s3Location(`/${headers['x-amz-copy-source'].replace(/^\//, '').split('?')[0]}`);
    const source = await this.store.get(from.bucket, from.key);
    const kept = headers['x-amz-metadata-directive'] === 'REPLACE' ? keptHeaders(headers) : source.object.headers;
    const { etag, lastModified } = await this.store.put(bucket, key, source.content, { headers: kept });
    return xmlResponse(200, 'CopyObjectResult', { ETag: etag, LastModified: iso(lastModified) });
  }

  async #getObject({ bucket, key, headers }: S3Request): Promise<ApiResponse> {
    const { object, content } = await this.store.get(bucket, key);
    if (headers['if-none-match'] === object.etag) return { status: 304, headers: { etag: object.etag } };
    return { status: 200, headers: objectHeaders(object), body: content };
  }

  #headObject(bucket: string, key: string): ApiResponse {
    const object = this.store.object(bucket, key);
    return { status: 200, headers: { ...objectHeaders(object), 'content-length': String(object.size) } };
  }
}

function payload(body: Buffer, headers: Readonly<Record<string, string>>): Buffer {
  return isAwsChunked(headers) ? decodeAwsChunked(body) : body;
}

function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-meta-') || name === 'content-type' || name === 'cache-control');
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

function objectHeaders({ headers, etag, lastModified }: StoredObject): Record<string, string> {
  const known = { etag, 'last-modified': new Date(lastModified).toUTCString() };
  return { 'content-type': 'application/octet-stream', ...headers, ...known };
}

function described({ key, etag, size, lastModified }: StoredObject): object {
  return { Key: key, LastModified: iso(lastModified), ETag: etag, Size: size, StorageClass: 'STANDARD' };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Clock } from '../../clock';
import { ServiceError } from '../service-error';
import { payloadOf } from './aws-chunked';
import { bucketDocument } from './bucket-documents';
import type { BucketStore } from './bucket-store';
import type { ObjectVersion } from './bucket-versions';
import { MultipartOperations } from './multipart-operations';
import { MultipartUploads } from './multipart-uploads';
import { listObjects } from './object-listing';
import { described, iso, ObjectOperations, OF_NO_ORIGIN } from './object-operations';
import type { S3Operation } from './s3-operation';
import { s3Location, s3Operation } from './s3-operation';
import { parseDelete, parseTags, parseVersioning, xmlError, xmlResponse } from './s3-xml';
import { listVersions } from './version-listing';

export interface S3Request extends ApiRequest {
  readonly bucket: string;
  readonly key: string;
  /** The version that the query names. */
  readonly versionId?: string;
}

export type S3Handler = (request: S3Request) => ApiResponse | Promise<ApiResponse>;

/** S3 over path-style URLs, which the gateway makes of a bucket's own host too; presigned and unsigned ones too. */
export class S3Service implements ApiService {
  readonly #handlers: Readonly<Record<S3Operation, S3Handler>>;

  constructor(private readonly store: BucketStore, clock: Clock) {
    const document: S3Handler = (request) => bucketDocument(this.store.bucket(request.bucket), request);
    this.#handlers = {
      ...new ObjectOperations(store).handlers,
      ...new MultipartOperations(new MultipartUploads(store, clock), store).handlers,
      ListBuckets: () => this.#listBuckets(),
      CreateBucket: ({ bucket }) => (this.store.createBucket(bucket), { status: 200, headers: { location: `/${bucket}` } }),
      DeleteBucket: ({ bucket }) => (this.store.deleteBucket(bucket), { status: 204 }),
      HeadBucket: ({ bucket }) => (this.store.bucket(bucket), { status: 200 }),
      ListObjects: (request) => this.#listObjects(request),
      ListObjectsV2: (request) => this.#listObjectsV2(request),
      ListObjectVersions: (request) => this.#listObjectVersions(request),
      DeleteObjects: (request) => this.#deleteObjects(request),
      GetBucketTagging: (request) => this.#getBucketTagging(request),
      PutBucketTagging: ({ bucket, body, headers }) => (
        this.store.bucket(bucket).tags = parseTags(payloadOf(body, headers).content), { status: 204 }
      ),
      DeleteBucketTagging: ({ bucket }) => (this.store.bucket(bucket).tags = {}, { status: 204 }),
      GetBucketPolicy: ({ bucket }) => this.#getBucketPolicy(bucket),
      PutBucketPolicy: ({ bucket, body, headers }) => (
        this.store.bucket(bucket).policy = payloadOf(body, headers).content.toString(), { status: 204 }
      ),
      DeleteBucketPolicy: ({ bucket }) => (this.store.bucket(bucket).policy = undefined, { status: 204 }),
      GetBucketLocation: ({ bucket }) => (this.store.bucket(bucket), xmlResponse(200, 'LocationConstraint', {})),
      GetBucketEncryption: document,
      PutBucketEncryption: document,
      DeleteBucketEncryption: document,
      GetBucketVersioning: ({ bucket }) => this.#getBucketVersioning(bucket),
      PutBucketVersioning: ({ bucket, body, headers }) => (
        this.store.bucket(bucket).versioning = parseVersioning(payloadOf(body, headers).content), { status: 200 }
      ),
      GetBucketLifecycleConfiguration: document,
      PutBucketLifecycleConfiguration: document,
      DeleteBucketLifecycle: document,
      GetPublicAccessBlock: document,
      PutPublicAccessBlock: document,
      DeletePublicAccessBlock: document,
      GetBucketOwnershipControls: document,
      PutBucketOwnershipControls: document,
      DeleteBucketOwnershipControls: document,
      GetBucketCors: document,
      PutBucketCors: document,
      DeleteBucketCors: document,
    };
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const operation = s3Operation(request);
      if (!operation) throw new ServiceError('NotImplemented', `the local cloud's S3 has no ${request.method} ${request.path}?${[...request.query.keys()]}`, 501);
      const versionId = request.query.get('versionId') ?? undefined;
      const answer = await this.#handlers[operation]({ ...request, ...s3Location(request.path), versionId });
      return { ...answer, headers: { ...OF_NO_ORIGIN, ...answer.headers } };
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

  #listObjects({ bucket, query }: S3Request): ApiResponse {
    const { objects, commonPrefixes, maxKeys, nextToken } = listObjects(this.store.bucket(bucket), query);
    return xmlResponse(200, 'ListBucketResult', {
      Name: bucket,
      Prefix: query.get('prefix') ?? '',
      Marker: query.get('marker') ?? '',
      MaxKeys: maxKeys,
      IsTruncated: nextToken !== undefined,
      ...(nextToken && { NextMarker: Buffer.from(nextToken, 'base64').toString() }),
      Contents: objects.map(described),
      CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix })),
    });
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

  #listObjectVersions({ bucket, query }: S3Request): ApiResponse {
    const { versions, commonPrefixes, maxKeys, next } = listVersions(this.store.bucket(bucket), query);
    const place = ({ versionId, isLatest }: ObjectVersion): object => ({ VersionId: versionId, IsLatest: isLatest });
    return xmlResponse(200, 'ListVersionsResult', {
      Name: bucket,
      Prefix: query.get('prefix') ?? '',
      KeyMarker: query.get('key-marker') ?? '',
      VersionIdMarker: query.get('version-id-marker') ?? '',
      MaxKeys: maxKeys,
      IsTruncated: next !== undefined,
      ...(next && { NextKeyMarker: next.key, ...(next.versionId && { NextVersionIdMarker: next.versionId }) }),
      Version: versions.flatMap((version) => (
        version.object ? [{ ...described(version.object), ...place(version) }] : []
      )),
      DeleteMarker: versions.filter(({ object }) => !object)
        .map((marker) => ({ Key: marker.key, LastModified: iso(marker.lastModified), ...place(marker) })),
      CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix })),
    });
  }

  async #deleteObjects({ bucket, body, headers }: S3Request): Promise<ApiResponse> {
    const { objects, quiet } = parseDelete(payloadOf(body, headers).content);
    const Deleted: object[] = [];
    for (const { key: Key, versionId: VersionId } of objects) {
      const { versionId, isDeleteMarker } = await this.store.delete(bucket, Key, VersionId);
      const marker = isDeleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: versionId } : {};
      Deleted.push({ Key, ...(VersionId && { VersionId }), ...marker });
    }
    return xmlResponse(200, 'DeleteResult', { Deleted: quiet ? [] : Deleted });
  }

  #getBucketVersioning(bucket: string): ApiResponse {
    const { versioning } = this.store.bucket(bucket);
    return xmlResponse(200, 'VersioningConfiguration', versioning ? { Status: versioning } : {});
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
}

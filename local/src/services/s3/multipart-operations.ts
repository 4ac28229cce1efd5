import { payloadOf } from './aws-chunked';
import type { BucketStore } from './bucket-store';
import { byteRange } from './byte-range';
import { checkedChecksums } from './checksums';
import type { MultipartUploads, UploadName } from './multipart-uploads';
import { compareKeys } from './object-listing';
import { copySource, iso, keptHeaders, versionHeader } from './object-operations';
import type { S3Handler, S3Request } from './s3-service';
import { parseParts, xmlResponse } from './s3-xml';
import type { ApiResponse } from '../../api';
import { ServiceError } from '../service-error';

const MAX_LISTED = 1000;

type MultipartOperation =
  | 'CreateMultipartUpload' | 'UploadPart' | 'UploadPartCopy' | 'CompleteMultipartUpload' | 'AbortMultipartUpload' | 'ListParts'
  | 'ListMultipartUploads';

/** Uploads in parts. */
export class MultipartOperations {
  readonly handlers: Readonly<Record<MultipartOperation, S3Handler>> = {
    CreateMultipartUpload: (request) => this.#create(request),
    UploadPart: (request) => this.#uploadPart(request),
    UploadPartCopy: (request) => this.#uploadPartCopy(request),
    CompleteMultipartUpload: (request) => this.#complete(request),
    AbortMultipartUpload: async (request) => (await this.uploads.abort(nameOf(request)), { status: 204 }),
    ListParts: (request) => this.#listParts(request),
    ListMultipartUploads: (request) => this.#listUploads(request),
  };

  constructor(private readonly uploads: MultipartUploads, private readonly store: BucketStore) {}

  #create({ bucket, key, headers }: S3Request): ApiResponse {
    const { uploadId } = this.uploads.create(bucket, key, keptHeaders(headers));
    return xmlResponse(200, 'InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: uploadId });
  }

  async #uploadPart(request: S3Request): Promise<ApiResponse> {
    const { content, headers } = payloadOf(request.body, request.headers);
    const checksums = checkedChecksums(content, headers);
    const { etag } = await this.uploads.putPart(nameOf(request), partNumber(request), content);
    return { status: 200, headers: { ...checksums, etag } };
  }

  async #uploadPartCopy(request: S3Request): Promise<ApiResponse> {
    const { object, content } = await this.store.get(...copySource(request.headers));
    const range = byteRange(request.headers['x-amz-copy-source-range'], object.size);
    const part = range ? content.subarray(range.start, range.end + 1) : content;
    const { etag, lastModified } = await this.uploads.putPart(nameOf(request), partNumber(request), part);
    return xmlResponse(200, 'CopyPartResult', { ETag: etag, LastModified: iso(lastModified) });
  }

  async #complete(request: S3Request): Promise<ApiResponse> {
    const { bucket, key, body, headers } = request;
    const conditions = { ifNoneMatch: headers['if-none-match'], ifMatch: headers['if-match'] };
    const parts = parseParts(payloadOf(body, headers).content);
    const { etag, versionId } = await this.uploads.complete(nameOf(request), parts, conditions);
    const answer = xmlResponse(200, 'CompleteMultipartUploadResult', { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: etag });
    return { ...answer, headers: { ...answer.headers, ...versionHeader(versionId) } };
  }

  #listParts(request: S3Request): ApiResponse {
    const { uploadId, parts } = this.uploads.find(nameOf(request));
    const marker = count(request, 'part-number-marker') ?? 0;
    const maxParts = Math.min(count(request, 'max-parts') ?? MAX_LISTED, MAX_LISTED);
    const following = [...parts.values()].sort((a, b) => a.number - b.number).filter(({ number }) => number > marker);
    const page = following.slice(0, maxParts);
    return xmlResponse(200, 'ListPartsResult', {
      Bucket: request.bucket,
      Key: request.key,
      UploadId: uploadId,
      PartNumberMarker: marker,
      MaxParts: maxParts,
      IsTruncated: page.length < following.length,
      ...(page.length < following.length && { NextPartNumberMarker: page.at(-1)?.number ?? marker }),
      Part: page.map(({ number, etag, size, lastModified }) => (
        { PartNumber: number, ETag: etag, Size: size, LastModified: iso(lastModified) }
      )),
    });
  }

  /** By key, and uploads of the same key in the order of their beginning. */
  #listUploads(request: S3Request): ApiResponse {
    const { bucket, query } = request;
    this.store.bucket(bucket);
    if (query.get('delimiter')) throw new ServiceError('NotImplemented', 'the local cloud lists multipart uploads without a delimiter only', 501);
    const maxUploads = Math.min(count(request, 'max-uploads') ?? MAX_LISTED, MAX_LISTED);
    const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
    const all = this.uploads.list(bucket)
      .filter(({ key }) => key.startsWith(query.get('prefix') ?? ''))
      .sort((a, b) => compareKeys(a.key, b.key) || a.initiated - b.initiated);
    const at = all.findIndex(({ key, uploadId }) => key === keyMarker && uploadId === idMarker);
    const following = at < 0 ? all.filter(({ key }) => compareKeys(key, keyMarker) > 0) : all.slice(at + 1);
    const page = following.slice(0, maxUploads);
    const last = page.length < following.length ? page.at(-1) : undefined;
    return xmlResponse(200, 'ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: keyMarker,
      UploadIdMarker: idMarker,
      MaxUploads: maxUploads,
      IsTruncated: page.length < following.length,
      ...(last && { NextKeyMarker: last.key, NextUploadIdMarker: last.uploadId }),
      Upload: page.map(({ key, uploadId, initiated }) => ({ Key: key, UploadId: uploadId, Initiated: iso(initiated) })),
    });
  }
}

/** A whole number from 0 that the query may have. */
function count({ query }: S3Request, name: string): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  if (!/^\d{1,10}$/.test(given)) throw new ServiceError('InvalidArgument', `Argument ${name} must be an integer between 0 and 2147483647`);
  return Number(given);
}

function nameOf({ bucket, key, query }: S3Request): UploadName {
  return { bucket, key, uploadId: query.get('uploadId') ?? '' };
}

function partNumber({ query }: S3Request): number {
  return Number(query.get('partNumber'));
}

import { payloadOf } from './aws-chunked';
import type { BucketStore } from './bucket-store';
import { byteRange } from './byte-range';
import { checkedChecksums } from './checksums';
import type { MultipartUploads, UploadName } from './multipart-uploads';
import { copySource, iso, keptHeaders } from './object-operations';
import type { S3Handler, S3Request } from './s3-service';
import { parseParts, xmlResponse } from './s3-xml';
import type { ApiResponse } from '../../api';

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
    ListMultipartUploads: ({ bucket }) => this.#listUploads(bucket),
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
    const { etag } = await this.uploads.complete(nameOf(request), parts, conditions);
    return xmlResponse(200, 'CompleteMultipartUploadResult', { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: etag });
  }

  #listParts(request: S3Request): ApiResponse {
    const { uploadId, parts } = this.uploads.find(nameOf(request));
    const sorted = [...parts.values()].sort((a, b) => a.number - b.number);
    return xmlResponse(200, 'ListPartsResult', {
      Bucket: request.bucket,
      Key: request.key,
      UploadId: uploadId,
      IsTruncated: false,
      Part: sorted.map(({ number, etag, size, lastModified }) => (
        { PartNumber: number, ETag: etag, Size: size, LastModified: iso(lastModified) }
      )),
    });
  }

  #listUploads(bucket: string): ApiResponse {
    this.store.bucket(bucket);
    const Upload = this.uploads.list(bucket).map(({ key, uploadId, initiated }) => (
      { Key: key, UploadId: uploadId, Initiated: iso(initiated) }
    ));
    return xmlResponse(200, 'ListMultipartUploadsResult', { Bucket: bucket, IsTruncated: false, Upload });
  }
}

function nameOf({ bucket, key, query }: S3Request): UploadName {
  return { bucket, key, uploadId: query.get('uploadId') ?? '' };
}

function partNumber({ query }: S3Request): number {
  return Number(query.get('partNumber'));
}

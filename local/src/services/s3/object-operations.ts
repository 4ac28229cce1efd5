import { payloadOf } from './aws-chunked';
import type { BucketStore, StoredObject } from './bucket-store';
import { byteRange } from './byte-range';
import { checkedChecksums } from './checksums';
import { s3Location } from './s3-operation';
import type { S3Handler, S3Request } from './s3-service';
import { parseTags, xmlResponse } from './s3-xml';
import type { ApiResponse } from '../../api';

type ObjectOperation =
  | 'PutObject' | 'CopyObject' | 'GetObject' | 'HeadObject' | 'DeleteObject' | 'GetObjectTagging' | 'PutObjectTagging' | 'DeleteObjectTagging';

/** Its own origin would be the whole cloud's: a script in what was put here, and is opened in a browser, must not speak for it. */
export const OF_NO_ORIGIN = { 'content-security-policy': 'sandbox allow-scripts allow-downloads', 'x-content-type-options': 'nosniff' };

/** What can be done with one object. */
export class ObjectOperations {
  readonly handlers: Readonly<Record<ObjectOperation, S3Handler>> = {
    PutObject: (request) => this.#put(request),
    CopyObject: (request) => this.#copy(request),
    GetObject: (request) => this.#get(request),
    HeadObject: (request) => this.#head(request),
    DeleteObject: (request) => this.#delete(request),
    GetObjectTagging: (request) => this.#getTags(request),
    PutObjectTagging: ({ bucket, key, body, headers, versionId }) => (
      this.store.setTags(bucket, key, parseTags(payloadOf(body, headers).content), versionId), { status: 200 }
    ),
    DeleteObjectTagging: ({ bucket, key, versionId }) => (
      this.store.setTags(bucket, key, {}, versionId), { status: 204 }
    ),
  };

  constructor(private readonly store: BucketStore) {}

  async #put({ bucket, key, body, headers: sent }: S3Request): Promise<ApiResponse> {
    const { content, headers } = payloadOf(body, sent);
    const checksums = checkedChecksums(content, headers);
    const { etag, versionId } = await this.store.put(bucket, key, content, {
      headers: keptHeaders(headers),
      tags: headerTags(headers),
      checksums,
      ifNoneMatch: headers['if-none-match'],
      ifMatch: headers['if-match'],
    });
    return { status: 200, headers: { ...checksums, etag, ...versionHeader(versionId) } };
  }

  async #copy({ bucket, key, headers }: S3Request): Promise<ApiResponse> {
    const { object: source, content } = await this.store.get(...copySource(headers));
    const { etag, lastModified, versionId } = await this.store.put(bucket, key, content, {
      headers: headers['x-amz-metadata-directive'] === 'REPLACE' ? keptHeaders(headers) : source.headers,
      tags: headers['x-amz-tagging-directive'] === 'REPLACE' ? headerTags(headers) : source.tags,
      checksums: source.checksums,
      ifNoneMatch: headers['if-none-match'],
      ifMatch: headers['if-match'],
    });
    const answer = xmlResponse(200, 'CopyObjectResult', { ETag: etag, LastModified: iso(lastModified) });
    return { ...answer, headers: { ...answer.headers, ...versionHeader(versionId) } };
  }

  async #get({ bucket, key, headers, versionId }: S3Request): Promise<ApiResponse> {
    const { object, content } = await this.store.get(bucket, key, versionId);
    const refused = conditional(object, headers);
    if (refused) return refused;
    const range = byteRange(headers.range, object.size);
    if (!range) return { status: 200, headers: objectHeaders(object, headers), body: content };
    const { start, end } = range;
    return {
      status: 206,
      headers: { ...objectHeaders(object, {}), 'content-range': `bytes ${start}-${end}/${object.size}` },
      body: content.subarray(start, end + 1),
    };
  }

  #head({ bucket, key, headers, versionId }: S3Request): ApiResponse {
    const object = this.store.object(bucket, key, versionId);
    const refused = conditional(object, headers);
    if (refused) return refused;
    const range = byteRange(headers.range, object.size);
    if (!range) return { status: 200, headers: { ...objectHeaders(object, headers), 'content-length': String(object.size) } };
    const { start, end } = range;
    const part = { 'content-range': `bytes ${start}-${end}/${object.size}`, 'content-length': String(end - start + 1) };
    return { status: 206, headers: { ...objectHeaders(object, {}), ...part } };
  }

  async #delete({ bucket, key, versionId: asked }: S3Request): Promise<ApiResponse> {
    const { versionId, isDeleteMarker } = await this.store.delete(bucket, key, asked);
    return { status: 204, headers: { ...versionHeader(versionId), ...(isDeleteMarker && { 'x-amz-delete-marker': 'true' }) } };
  }

  #getTags({ bucket, key, versionId }: S3Request): ApiResponse {
    const tags = Object.entries(this.store.object(bucket, key, versionId).tags ?? {});
    return xmlResponse(200, 'Tagging', { TagSet: { Tag: tags.map(([Key, Value]) => ({ Key, Value })) } });
  }
}

/** What `store.get` is called with. */
export function copySource(
  headers: Readonly<Record<string, string>>,
): [bucket: string, key: string, versionId: string | undefined] {
  const [path, query = ''] = headers['x-amz-copy-source'].replace(/^\//, '').split('?');
  const { bucket, key } = s3Location(`/${path}`);
  return [bucket, key, new URLSearchParams(query).get('versionId') ?? undefined];
}

export function versionHeader(versionId: string | undefined): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId };
}

export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const plain = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires'];
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-meta-') || plain.includes(name));
  // The SDK names its own framing among the encodings of the content.
  const encodings = (headers['content-encoding'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'aws-chunked');
  const kept = Object.fromEntries(names.map((name) => [name, headers[name]]));
  return encodings.length > 0 ? { ...kept, 'content-encoding': encodings.join(',') } : kept;
}

export function described({ key, etag, size, lastModified }: StoredObject): object {
  return { Key: key, LastModified: iso(lastModified), ETag: etag, Size: size, StorageClass: 'STANDARD' };
}

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function headerTags(headers: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const tagging = headers['x-amz-tagging'];
  return tagging === undefined ? undefined : Object.fromEntries(new URLSearchParams(tagging));
}

/** 304 or 412, if the request's conditions ask for it. */
function conditional(
  { etag, lastModified }: StoredObject,
  headers: Readonly<Record<string, string>>,
): ApiResponse | undefined {
  const wanted = headers['if-match'];
  if (wanted !== undefined && wanted !== '*' && wanted !== etag) return { status: 412, headers: { etag } };
  const unwanted = headers['if-none-match'];
  if (unwanted !== undefined) return unwanted === etag || unwanted === '*' ? { status: 304, headers: { etag } } : undefined;
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.floor(lastModified / 1000) * 1000 <= since ? { status: 304, headers: { etag } } : undefined;
}

function objectHeaders(object: StoredObject, asked: Readonly<Record<string, string>>): Record<string, string> {
  const { headers, etag, lastModified, checksums, tags = {}, versionId } = object;
  const tagCount = Object.keys(tags).length;
  return {
    'content-type': 'application/octet-stream',
    ...headers,
    ...(asked['x-amz-checksum-mode'] === 'ENABLED' && checksums),
    ...(tagCount > 0 && { 'x-amz-tagging-count': String(tagCount) }),
    ...versionHeader(versionId),
    'accept-ranges': 'bytes',
    etag,
    'last-modified': new Date(lastModified).toUTCString(),
  };
}

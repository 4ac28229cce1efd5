import type { ApiRequest, ObjectReader } from '../../api';
import { constraint, type QueryInput } from '../query-protocol';
import { ServiceError } from '../service-error';

const MAX_BODY_BYTES = 51_200;
const MAX_OBJECT_BYTES = 1_000_000;

const S3_HOST = /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com$/;

/** The template that a request names by its body or its URL. Undefined: by neither. */
async function templateOf(
  input: QueryInput,
  request: ApiRequest,
  objects: ObjectReader,
): Promise<string | undefined> {
  const body = input.string('TemplateBody');
  const url = input.string('TemplateURL');
  if (body !== undefined && url !== undefined) throw new ServiceError('ValidationError', 'Only one of Template URL or Template Body may be specified.');
  if (body !== undefined) return checkedBody(body);
  return url === undefined ? undefined : readObject(url, request, objects);
}

export async function requiredTemplate(input: QueryInput, request: ApiRequest, objects: ObjectReader): Promise<string> {
  const template = await templateOf(input, request, objects);
  if (template === undefined) throw new ServiceError('ValidationError', 'Either Template URL or Template Body must be specified.');
  return template;
}

function checkedBody(body: string): string {
  const size = Buffer.byteLength(body);
  if (size <= MAX_BODY_BYTES) return body;
  const demand = `Member must have length less than or equal to ${MAX_BODY_BYTES}; send a larger template as an object in S3, by TemplateURL`;
  throw constraint('TemplateBody', `of ${size} bytes`, demand);
}

async function readObject(url: string, request: ApiRequest, objects: ObjectReader): Promise<string> {
  const { bucket, key } = templateLocation(url, request.headers.host ?? '');
  const content = await read(bucket, key, objects);
  if (content.length > MAX_OBJECT_BYTES) throw new ServiceError('ValidationError', `Template may not exceed ${MAX_OBJECT_BYTES} bytes in size.`);
  return content.toString();
}

async function read(bucket: string, key: string, objects: ObjectReader): Promise<Buffer> {
  const content = await objects.read(bucket, key).catch((error: unknown) => {
    if (error instanceof ServiceError) throw new ServiceError('ValidationError', `S3 error: ${error.message}`);
    throw error;
  });
  if (content) return content;
  throw new ServiceError('ValidationError', `S3 error: The specified key does not exist: ${key} in the bucket ${bucket}`);
}

/** Where an https URL of S3 points to, in the style of paths or of hosts; or one of this cloud's own, in the style of paths. */
export function templateLocation(url: string, ownHost: string): { bucket: string; key: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const host = S3_HOST.exec(parsed?.hostname ?? '');
  // The CDK CLI names the endpoint that it sends its own requests to.
  const isOwn = parsed?.protocol === 'http:' && parsed.host === ownHost;
  if (!parsed || !(isOwn || (host && parsed.protocol === 'https:'))) {
    throw new ServiceError('ValidationError', 'TemplateURL must be an Amazon S3 URL: https://<bucket>.s3.<region>.amazonaws.com/<key>, or one of this local cloud.');
  }
  const path = host?.[1] === undefined ? parsed.pathname.slice(1) : `${host[1]}${parsed.pathname}`;
  const [, bucket, key] = /^([^/]+)\/(.+)$/s.exec(path) ?? [];
  if (!bucket || !key) throw new ServiceError('ValidationError', 'TemplateURL must reference a valid S3 object to which you have access.');
  return { bucket, key: decoded(key) };
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw new ServiceError('ValidationError', 'TemplateURL must reference a valid S3 object to which you have access.');
  }
}

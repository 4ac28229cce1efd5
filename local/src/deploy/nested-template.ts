import type { ResourceContext } from './resource-type';

const MAX_TEMPLATE_BYTES = 1_000_000;
const S3_HOST = /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com$/;
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

export const NESTED_PARAMETER_ERROR = 'Value of property Parameters must be an object with String (or simple type) properties';

/** The template at an S3 URL, in the style of paths or of hosts, or at one of this cloud: always from the local S3. */
export async function readNestedTemplate(url: string, { services: { buckets } }: Pick<ResourceContext, 'services'>): Promise<string> {
  const { bucket, key } = locationOf(url);
  const { content } = await buckets.get(bucket, key);
  if (content.length > MAX_TEMPLATE_BYTES) throw new Error(`Template may not exceed ${MAX_TEMPLATE_BYTES} bytes in size.`);
  return content.toString();
}

function locationOf(url: string): { bucket: string; key: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const host = S3_HOST.exec(parsed?.hostname ?? '');
  if (!parsed || !(host || LOOPBACK.test(parsed.hostname))) {
    throw new Error(`TemplateURL must be a supported URL: https://<bucket>.s3.<region>.amazonaws.com/<key>, or one of the local cloud; got ${url.split('?')[0]}`);
  }
  const path = host?.[1] === undefined ? parsed.pathname.slice(1) : `${host[1]}${parsed.pathname}`;
  const [, bucket, key] = /^([^/]+)\/(.+)$/s.exec(path) ?? [];
  if (!bucket || !key) throw new Error('TemplateURL must reference a valid S3 object to which you have access.');
  return { bucket, key: decodeURIComponent(key) };
}

import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { ApiResponse } from '../../api';
import { ServiceError } from '../service-error';

/** The largest list of keys or parts takes less. */
const MAX_DOCUMENT_BYTES = 4 * 1024 ** 2;

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' });
// Keys are strings, also where they look like numbers; entities are not expanded further than XML's own five.
const LISTS = ['Object', 'Part', 'Tag'];
const parser = new XMLParser({
  parseTagValue: false, trimValues: false, ignoreAttributes: true, isArray: (name) => LISTS.includes(name),
});

/** S3 takes no document type, whose entities make much of little. */
function parse(body: Buffer): unknown {
  if (body.length > MAX_DOCUMENT_BYTES || body.includes('<!D')) throw malformed();
  return parser.parse(body);
}

export function xmlResponse(status: number, root: string, members: object): ApiResponse {
  const document = { [root]: { '@xmlns': 'http://s3.amazonaws.com/doc/2006-03-01/', ...members } };
  return { status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(document)}` };
}

export function xmlError(error: unknown): ApiResponse {
  const known = error instanceof ServiceError ? error : new ServiceError('InternalError', String(error), 500);
  const body = builder.build({ Error: { Code: known.code, Message: known.message, ...known.members } });
  return { status: known.status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}

export interface DeletedObject {
  readonly key: string;
  readonly versionId?: string;
}

/** The objects that a DeleteObjects body names. */
export function parseDelete(body: Buffer): { objects: DeletedObject[]; quiet: boolean } {
  const parsed = parse(body) as { Delete?: { Object?: { Key?: string; VersionId?: string }[]; Quiet?: string } };
  const objects = (parsed.Delete?.Object ?? []).map(({ Key: key, VersionId: versionId }) => {
    if (typeof key !== 'string' || key === '') throw malformed();
    return { key, versionId };
  });
  if (objects.length === 0 || objects.length > 1000) throw malformed();
  return { objects, quiet: parsed.Delete?.Quiet === 'true' };
}

/** The status of a VersioningConfiguration body. */
export function parseVersioning(body: Buffer): 'Enabled' | 'Suspended' {
  const { VersioningConfiguration: given } = parse(body) as { VersioningConfiguration?: { Status?: string } };
  if (given?.Status !== 'Enabled' && given?.Status !== 'Suspended') throw malformed();
  return given.Status;
}

/** The parts that a CompleteMultipartUpload body names. */
export function parseParts(body: Buffer): { number: number; etag: string }[] {
  const { CompleteMultipartUpload: list } = parse(body) as {
    CompleteMultipartUpload?: { Part?: { PartNumber?: string; ETag?: string }[] };
  };
  const parts = (list?.Part ?? []).map(({ PartNumber, ETag }) => ({ number: Number(PartNumber), etag: ETag ?? '' }));
  if (parts.length === 0) throw malformed();
  return parts;
}

/** The tags of a Tagging body. */
export function parseTags(body: Buffer): Record<string, string> {
  const parsed = parse(body) as { Tagging?: { TagSet?: { Tag?: { Key?: string; Value?: string }[] } | string } };
  const set = parsed.Tagging?.TagSet;
  if (set === undefined) throw malformed();
  const tags = typeof set === 'string' ? [] : set.Tag ?? [];
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

function malformed(): ServiceError {
  return new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema');
}

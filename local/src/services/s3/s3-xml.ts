import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { ApiResponse } from '../../api';
import { ServiceError } from '../service-error';

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' });
// Keys are strings, also where they look like numbers; entities are not expanded further than XML's own five.
const parser = new XMLParser({ parseTagValue: false, trimValues: false, ignoreAttributes: true, isArray: (name) => name === 'Object' });

export function xmlResponse(status: number, root: string, members: object): ApiResponse {
  const document = { [root]: { '@xmlns': 'http://s3.amazonaws.com/doc/2006-03-01/', ...members } };
  return { status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(document)}` };
}

export function xmlError(error: unknown): ApiResponse {
  const known = error instanceof ServiceError ? error : new ServiceError('InternalError', String(error), 500);
  const body = builder.build({ Error: { Code: known.code, Message: known.message, ...known.members } });
  return { status: known.status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}

/** The keys that a DeleteObjects body names. */
export function parseDelete(body: Buffer): { keys: string[]; quiet: boolean } {
  const parsed = parser.parse(body) as { Delete?: { Object?: { Key?: string }[]; Quiet?: string } };
  const keys = (parsed.Delete?.Object ?? []).map(({ Key }) => Key);
  if (keys.length === 0 || keys.length > 1000 || !keys.every((key) => typeof key === 'string' && key !== '')) {
    throw new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema');
  }
  return { keys: keys as string[], quiet: parsed.Delete?.Quiet === 'true' };
}

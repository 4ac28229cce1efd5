import type { ApiRequest } from '../api';

/** Who signed a request, and for which service: the credential scope of Signature Version 4. */
export interface Signer {
  readonly accessKeyId: string;
  /** `yyyymmdd` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

const CREDENTIAL = /^([A-Za-z0-9]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/;

/**
 * Reads the scope from the `Authorization` header, or without one from a presigned query. Undefined: not signed. A header never borrows
 * from the query, whose signature may have run out.
 */
export function signerOf(authorization: string | undefined, query: URLSearchParams): Signer | undefined {
  const inHeader = /^AWS4-[A-Z0-9-]+ (?:.*[ ,])?Credential=([^, ]+)/.exec(authorization ?? '')?.[1];
  const match = CREDENTIAL.exec((authorization === undefined ? query.get('X-Amz-Credential') : inHeader) ?? '');
  return match ? { accessKeyId: match[1], date: match[2], region: match[3], service: match[4] } : undefined;
}

const TARGETS: Readonly<Record<string, string>> = {
  DynamoDB_20120810: 'dynamodb',
  Logs_20140328: 'logs',
  AWSStepFunctions: 'states',
  AmazonSSM: 'ssm',
};

/** Of a form whose service nobody has named yet. */
const MAX_FORM_BYTES = 4 * 1024 ** 2;

const FORM_VERSIONS: Readonly<Record<string, string>> = { '2010-05-15': 'cloudformation', '2011-06-15': 'sts', '2010-05-08': 'iam' };

/** The service that a request without a signature is meant for: the one that has such a path, target or form, else S3. */
export function unsignedService({ method, path, headers, body }: Omit<ApiRequest, 'accessKeyId'>): string {
  if (/^\/20\d\d-\d\d-\d\d\//.test(path)) return 'lambda';
  const target = (headers['x-amz-target'] ?? '').split('.')[0];
  if (Object.hasOwn(TARGETS, target)) return TARGETS[target];
  const isForm = method === 'POST' && path === '/' && /^application\/x-www-form-urlencoded/.test(headers['content-type'] ?? '');
  const version = isForm && body.length <= MAX_FORM_BYTES ? new URLSearchParams(body.toString()).get('Version') ?? '' : '';
  return Object.hasOwn(FORM_VERSIONS, version) ? FORM_VERSIONS[version] : 's3';
}

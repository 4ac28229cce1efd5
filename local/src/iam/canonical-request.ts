import { createHash } from 'node:crypto';
import type { ApiRequest } from '../api';

export function sha256Hex(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** How a signer wrote what it signed. */
interface Dialect {
  encode(text: string): string;
  sort(pairs: (readonly [string, string])[]): void;
}

/** RFC 3986, as AWS asks for. */
const STRICT: Dialect = {
  encode: (text) => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
  sort: (pairs) => pairs.sort(([a, av], [b, bv]) => compare(a, b) || compare(av, bv)),
};

/** Signers by hand often leave it at `encodeURIComponent` and sort whole pairs. It binds the request just as well. */
const LENIENT: Dialect = {
  encode: encodeURIComponent,
  sort: (pairs) => pairs.sort((a, b) => compare(a.join('='), b.join('='))),
};

interface Signing {
  /** Of the credential scope. */
  readonly service: string;
  /** In lower case. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/**
 * The canonical requests of Signature Version 4 that stand for this request: one for each way to write the same path and query. S3 signs
 * the path as it is sent, the other services encode it once more.
 */
export function canonicalRequests(request: ApiRequest, { service, signedHeaders, payloadHash }: Signing): string[] {
  const names = [...signedHeaders].sort();
  const headers = names.map((name) => `${name}:${headerOf(request, name).trim().replace(/ +/g, ' ')}\n`).join('');
  const sentPath = request.signedPath ?? request.path;
  const all = [STRICT, LENIENT].flatMap((dialect) => pathsOf(sentPath, service, dialect).map((path) => (
    [request.method, path, queryOf(request.query, dialect), headers, names.join(';'), payloadHash].join('\n')
  )));
  return [...new Set(all)];
}

/** What was sent under this name, which may be one that every object has. */
function headerOf({ headers }: ApiRequest, name: string): string {
  return Object.hasOwn(headers, name) ? headers[name] : '';
}

function pathsOf(path: string, service: string, { encode }: Dialect): string[] {
  const encoded = (segments: string): string => segments.split('/').map(encode).join('/');
  if (service !== 's3') return [encoded(withoutDots(path))];
  return [path, encoded(decoded(path))];
}

/** What lies behind `.`, `..` and `//`: only S3 has such keys. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}${path.endsWith('/') && segments.length > 0 ? '/' : ''}`;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function queryOf(query: URLSearchParams, { encode, sort }: Dialect): string {
  const pairs = [...query].filter(([name]) => name !== 'X-Amz-Signature').map(([name, value]) => [encode(name), encode(value)] as const);
  sort(pairs);
  return pairs.map((pair) => pair.join('=')).join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

import { ServiceError } from '../service-error';
import type { Bucket, StoredObject } from './bucket-store';

const MAX_KEYS = 1000;

export interface ObjectListing {
  readonly objects: StoredObject[];
  readonly commonPrefixes: string[];
  readonly maxKeys: number;
  /** Where the next page starts; absent on the last one. */
  readonly nextToken?: string;
}

/** A page of a bucket's keys, in S3's order: by UTF-8 bytes. */
export function listObjects(bucket: Bucket, query: URLSearchParams): ObjectListing {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = maxKeysOf(query);
  const after = decodeToken(query.get('continuation-token')) ?? query.get('start-after') ?? query.get('marker') ?? '';
  const objects: StoredObject[] = [];
  const commonPrefixes = new Set<string>();
  let last = '';
  for (const key of sortedKeys(bucket, prefix)) {
    const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const entry = end < 0 ? key : key.slice(0, end + delimiter.length);
    if (compareKeys(entry, after) <= 0 || commonPrefixes.has(entry)) continue;
    if (objects.length + commonPrefixes.size === maxKeys) {
      return { objects, commonPrefixes: [...commonPrefixes], maxKeys, nextToken: Buffer.from(last).toString('base64') };
    }
    const object = end < 0 ? bucket.objects.get(key) : undefined;
    if (object) objects.push(object);
    else commonPrefixes.add(entry);
    last = entry;
  }
  return { objects, commonPrefixes: [...commonPrefixes], maxKeys };
}

export function maxKeysOf(query: URLSearchParams): number {
  const value = Number(query.get('max-keys') ?? MAX_KEYS);
  if (!Number.isInteger(value) || value < 0) throw new ServiceError('InvalidArgument', 'Provided max-keys not an integer or within integer range');
  return Math.min(value, MAX_KEYS);
}

function sortedKeys(bucket: Bucket, prefix: string): string[] {
  return [...bucket.objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
}

export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function decodeToken(token: string | null): string | undefined {
  return token ? Buffer.from(token, 'base64').toString() : undefined;
}

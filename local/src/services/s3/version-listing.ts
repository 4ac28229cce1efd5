import type { Bucket } from './bucket-store';
import type { ObjectVersion } from './bucket-versions';
import { allKeys, versionsOfKey } from './bucket-versions';
import { compareKeys, maxKeysOf } from './object-listing';

export interface VersionListing {
  readonly versions: readonly ObjectVersion[];
  readonly commonPrefixes: readonly string[];
  readonly maxKeys: number;
  /** Where the next page starts; absent on the last one. */
  readonly next?: { readonly key: string; readonly versionId?: string };
}

/** A page of all versions in a bucket: by key, and of each key the newest first. */
export function listVersions(bucket: Bucket, query: URLSearchParams): VersionListing {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = maxKeysOf(query);
  const versions: ObjectVersion[] = [];
  const commonPrefixes = new Set<string>();
  let last: VersionListing['next'];
  for (const key of allKeys(bucket).filter((name) => name.startsWith(prefix)).sort(compareKeys)) {
    const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const folder = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    if (folder !== undefined && (commonPrefixes.has(folder) || folder === query.get('key-marker'))) continue;
    for (const version of folder === undefined ? following(bucket, key, query) : [undefined]) {
      if (folder !== undefined && compareKeys(folder, query.get('key-marker') ?? '') <= 0) continue;
      if (versions.length + commonPrefixes.size === maxKeys) {
        return { versions, commonPrefixes: [...commonPrefixes], maxKeys, next: last };
      }
      if (version) versions.push(version);
      else commonPrefixes.add(folder ?? '');
      last = { key: folder ?? key, versionId: version?.versionId };
    }
  }
  return { versions, commonPrefixes: [...commonPrefixes], maxKeys };
}

/** The versions of a key behind the markers. */
function following(bucket: Bucket, key: string, query: URLSearchParams): ObjectVersion[] {
  const after = query.get('key-marker') ?? '';
  const order = compareKeys(key, after);
  if (order > 0) return versionsOfKey(bucket, key);
  const marker = query.get('version-id-marker');
  if (order < 0 || marker === null) return [];
  const versions = versionsOfKey(bucket, key);
  return versions.slice(versions.findIndex(({ versionId }) => versionId === marker) + 1);
}

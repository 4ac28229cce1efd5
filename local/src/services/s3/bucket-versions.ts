import { randomUUID } from 'node:crypto';
import { ServiceError } from '../service-error';
import type { Bucket, StoredObject } from './bucket-store';

/** The version of an object that was written while its bucket kept no versions. */
export const NULL_VERSION = 'null';

/** A version of an object, or the mark that it was deleted. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly lastModified: number;
  readonly isLatest: boolean;
  /** Undefined: a delete marker. */
  readonly object?: StoredObject;
}

/** What was deleted, or that a delete marker was made. */
export interface Deletion {
  readonly versionId?: string;
  readonly isDeleteMarker: boolean;
  /** Files that nothing names any more. */
  readonly files: readonly string[];
}

export interface OlderVersion {
  readonly versionId: string;
  readonly lastModified: number;
  readonly object?: StoredObject;
}

/** What a new version of an object is called; undefined in a bucket that never kept versions. */
export function newVersionId({ versioning }: Bucket): string | undefined {
  if (versioning === undefined) return undefined;
  return versioning === 'Enabled' ? randomUUID().replaceAll('-', '') : NULL_VERSION;
}

/** Makes an object the latest version of its key. Answers the files that nothing names any more. */
export function addVersion(bucket: Bucket, object: StoredObject): string[] {
  const files = retire(bucket, object.key, versionOf(object));
  bucket.objects.set(object.key, object);
  return files;
}

/** Deletes one version for good, or hides all of them behind a delete marker. Without versions: the object is gone. */
export function deleteVersion(
  bucket: Bucket, { key, versionId, now }: { key: string; versionId?: string; now: number },
): Deletion {
  if (versionId !== undefined) return removeVersion(bucket, key, versionId);
  const marker = newVersionId(bucket);
  if (marker === undefined) return { ...removeVersion(bucket, key, NULL_VERSION), versionId: undefined };
  const files = retire(bucket, key, marker);
  setOlder(bucket, key, [{ versionId: marker, lastModified: now }, ...olderOf(bucket, key)]);
  return { versionId: marker, isDeleteMarker: true, files };
}

/** The object as it was in one version. */
export function findVersion(bucket: Bucket, key: string, versionId: string): StoredObject {
  const version = versionsOfKey(bucket, key).find((other) => other.versionId === versionId);
  if (!version) throw new ServiceError('NoSuchVersion', 'The specified version does not exist.', 404, { Key: key, VersionId: versionId });
  if (!version.object) throw new ServiceError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405);
  return version.object;
}

/** The newest first. */
export function versionsOfKey(bucket: Bucket, key: string): ObjectVersion[] {
  const object = bucket.objects.get(key);
  const latest = object ? [{ versionId: versionOf(object), lastModified: object.lastModified, object }] : [];
  return [...latest, ...olderOf(bucket, key)].map((version, index) => ({ ...version, key, isLatest: index === 0 }));
}

export function allKeys({ objects, older }: Bucket): string[] {
  return [...new Set([...objects.keys(), ...older.keys()])];
}

export function versionOf({ versionId }: StoredObject): string {
  return versionId ?? NULL_VERSION;
}

/** Makes room for a new latest version: one with the same id, as `null`, goes; the latest so far stays as an older one. */
function retire(bucket: Bucket, key: string, versionId: string): string[] {
  const { files } = removeVersion(bucket, key, versionId);
  const object = bucket.objects.get(key);
  if (!object) return [...files];
  bucket.objects.delete(key);
  const retired = { versionId: versionOf(object), lastModified: object.lastModified, object };
  setOlder(bucket, key, [retired, ...olderOf(bucket, key)]);
  return [...files];
}

function removeVersion(bucket: Bucket, key: string, versionId: string): Deletion {
  const versions = versionsOfKey(bucket, key);
  const removed = versions.find((other) => other.versionId === versionId);
  if (!removed) return { versionId, isDeleteMarker: false, files: [] };
  const [latest, ...older] = versions.filter((other) => other !== removed);
  // What is the latest now is the object again, unless it marks a deletion.
  if (latest?.object) bucket.objects.set(key, latest.object);
  else bucket.objects.delete(key);
  setOlder(bucket, key, latest && !latest.object ? [latest, ...older] : older);
  return { versionId, isDeleteMarker: !removed.object, files: removed.object ? [removed.object.file] : [] };
}

function olderOf({ older }: Bucket, key: string): readonly OlderVersion[] {
  return older.get(key) ?? [];
}

function setOlder({ older }: Bucket, key: string, versions: readonly OlderVersion[]): void {
  const kept = versions.map(({ versionId, lastModified, object }) => ({ versionId, lastModified, object }));
  if (kept.length > 0) older.set(key, kept);
  else older.delete(key);
}

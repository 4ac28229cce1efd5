import type { ApiRequest } from '../../api';
import type { Access } from '../authorization';

/** What has to be known of the cloud to tell which rights a call needs. */
export interface AccessSources {
  readonly account: string;
  readonly region: string;
  /** ARN of the unversioned image that a microVM was started from. Undefined: there is no such microVM. */
  imageOf(microvmId: string): string | undefined;
  /** Tags of an image; none if there is no such image. */
  tagsOf(arn: string): Readonly<Record<string, string>>;
  /** Name of a table's partition key. Undefined: there is no such table. */
  partitionKey(table: string): Promise<string | undefined>;
  hasObject(bucket: string, key: string): boolean;
}

/** A call to one service, on the way to the rights it needs. */
export interface AccessCall {
  readonly operation: string;
  readonly request: ApiRequest;
  readonly sources: AccessSources;
}

export type Members = Readonly<Record<string, unknown>>;

/** The JSON body; empty if it is none, which the service itself refuses. */
export function bodyOf({ body }: ApiRequest): Members {
  try {
    return asMembers(JSON.parse(body.toString() || '{}'));
  } catch {
    return {};
  }
}

export function asMembers(value: unknown): Members {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value as Members : {};
}

export function asString(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A part of a path, decoded as the services do it. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Context keys of tags that a request gives. */
export function requestTags(tags: Members): Access['context'] {
  const names = Object.keys(tags);
  if (names.length === 0) return {};
  return { 'aws:TagKeys': names, ...Object.fromEntries(names.map((name) => [`aws:RequestTag/${name}`, asString(tags[name])])) };
}

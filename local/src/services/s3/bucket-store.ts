import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ObjectReader } from '../../api';
import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';
import { FileDisposal } from '../../state/file-disposal';
import { OngoingWork } from '../ongoing-work';
import { ServiceError } from '../service-error';
import type { Deletion, OlderVersion } from './bucket-versions';
import { addVersion, allKeys, deleteVersion, findVersion, newVersionId, versionsOfKey } from './bucket-versions';

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** With quotes, as S3 sends it. */
  readonly etag: string;
  readonly lastModified: number;
  /** Content type and `x-amz-meta-…`, as they came. */
  readonly headers: Readonly<Record<string, string>>;
  readonly file: string;
  /** `x-amz-checksum-…` as they came. */
  readonly checksums?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Absent if the bucket kept no versions when it was written. */
  readonly versionId?: string;
}

export type Versioning = 'Enabled' | 'Suspended';

export interface Bucket {
  readonly name: string;
  readonly createdAt: number;
  /** By key: the latest versions. */
  readonly objects: Map<string, StoredObject>;
  /** By key: what came before the latest version, the newest first. A deleted object's begin with a delete marker. */
  readonly older: Map<string, readonly OlderVersion[]>;
  /** Undefined: it never kept versions. */
  versioning?: Versioning;
  tags: Readonly<Record<string, string>>;
  policy?: string;
  /** Configurations that are kept as they came, by name. */
  documents?: Readonly<Record<string, string>>;
}

type SavedBucket = Omit<Bucket, 'objects' | 'older'> & {
  readonly objects: readonly StoredObject[];
  readonly older: readonly (readonly [string, readonly OlderVersion[]])[];
};

export interface PutOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** `*`: only if there is no such object. */
  readonly ifNoneMatch?: string;
  /** Only over the object with this ETag. */
  readonly ifMatch?: string;
  readonly checksums?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: of the content. */
  readonly etag?: string;
}

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Buckets and what is in them: the index in memory, the contents in files that are never rewritten. */
export class BucketStore implements ObjectReader, Persistent {
  #buckets = new Map<string, Bucket>();
  readonly #writes = new OngoingWork();

  constructor(
    private readonly folder: string,
    private readonly clock: Clock,
    private readonly disposal = new FileDisposal(false),
  ) {}

  save(): unknown {
    const relocated = (object: StoredObject): StoredObject => ({ ...object, file: basename(object.file) });
    return [...this.#buckets.values()].map(({ objects, older, ...bucket }): SavedBucket => ({
      ...bucket,
      objects: [...objects.values()].map(relocated),
      older: [...older].map(([key, versions]) => [key, moved(versions, relocated)]),
    }));
  }

  /** Removes the files that the state does not name: what was under way when it was saved. */
  async restore(state: unknown): Promise<void> {
    const named = new Set<string>();
    const located = (object: StoredObject): StoredObject => {
      named.add(object.file);
      return { ...object, file: join(this.folder, basename(object.file)) };
    };
    for (const { objects, older, ...bucket } of state as SavedBucket[]) {
      const byKey = objects.map((object) => [object.key, located(object)] as const);
      const olderByKey = older.map(([key, versions]) => [key, moved(versions, located)] as const);
      this.#buckets.set(bucket.name, { ...bucket, objects: new Map(byKey), older: new Map(olderByKey) });
    }
    await mkdir(this.folder, { recursive: true });
    const there = await readdir(this.folder);
    const missing = [...named].filter((file) => !there.includes(file));
    if (missing.length > 0) throw new Error(`the contents of ${missing.length} objects are missing in ${this.folder}, such as ${missing[0]}`);
    for (const file of there) if (!named.has(file)) await rm(join(this.folder, file), { recursive: true, force: true });
  }

  createBucket(name: string, tags: Readonly<Record<string, string>> = {}): Bucket {
    if (!BUCKET_NAME.test(name)) throw new ServiceError('InvalidBucketName', `The specified bucket is not valid: "${name}"`);
    if (this.#buckets.has(name)) {
      throw new ServiceError('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', 409);
    }
    const bucket: Bucket = { name, createdAt: this.clock.now(), objects: new Map(), older: new Map(), tags };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  deleteBucket(name: string): void {
    if (allKeys(this.bucket(name)).length > 0) {
      throw new ServiceError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409, { BucketName: name });
    }
    this.#buckets.delete(name);
  }

  hasBucket(name: string): boolean {
    return this.#buckets.has(name);
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: name });
    return bucket;
  }

  buckets(): Bucket[] {
    return [...this.#buckets.values()];
  }

  /** Default: the latest version. */
  object(bucketName: string, key: string, versionId?: string): StoredObject {
    const bucket = this.bucket(bucketName);
    if (versionId !== undefined) return findVersion(bucket, key, versionId);
    const object = bucket.objects.get(key);
    if (!object) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
    return object;
  }

  /** Refuses further writes, and resolves once those under way have ended. */
  close(): Promise<void> {
    return this.#writes.close();
  }

  put(bucketName: string, key: string, content: Buffer, options: PutOptions = {}): Promise<StoredObject> {
    return this.#writes.run(() => this.#put(bucketName, key, content, options));
  }

  async #put(bucketName: string, key: string, content: Buffer, options: PutOptions): Promise<StoredObject> {
    if (Buffer.byteLength(key) > 1024) throw new ServiceError('KeyTooLongError', 'Your key is too long');
    this.bucket(bucketName);
    const file = await this.#write(content);
    try {
      // Looked up again: the bucket may have gone while the file was written. From here on nothing waits.
      const bucket = this.bucket(bucketName);
      const before = bucket.objects.get(key);
      checkPrecondition(options, before);
      const { headers = {}, checksums, tags } = options;
      const etag = options.etag ?? `"${createHash('md5').update(content).digest('hex')}"`;
      const lastModified = this.clock.now();
      const versionId = newVersionId(bucket);
      const object = { key, size: content.length, etag, lastModified, headers, file, checksums, tags, versionId };
      for (const replaced of addVersion(bucket, object)) await this.disposal.remove(replaced);
      return object;
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  setTags(bucketName: string, key: string, tags: Readonly<Record<string, string>>, versionId?: string): void {
    const bucket = this.bucket(bucketName);
    const object = this.object(bucketName, key, versionId);
    const tagged = { ...object, tags };
    if (bucket.objects.get(key) === object) bucket.objects.set(key, tagged);
    else bucket.older.set(key, moved(bucket.older.get(key) ?? [], (other) => (other === object ? tagged : other)));
  }

  /** Keeps bytes that belong to no object yet, and answers their file. */
  writeContent(content: Buffer): Promise<string> {
    return this.#writes.run(() => this.#write(content));
  }

  async removeContent(file: string): Promise<void> {
    await rm(file, { force: true });
  }

  async #write(content: Buffer): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    const file = join(this.folder, randomUUID());
    await writeFile(file, content);
    return file;
  }

  /** The object and its content, of one and the same write. Default: the latest version. */
  async get(bucket: string, key: string, versionId?: string): Promise<{ object: StoredObject; content: Buffer }> {
    for (;;) {
      const object = this.object(bucket, key, versionId);
      try {
        return { object, content: await readFile(object.file) };
      } catch (error) {
        const isThere = versionsOfKey(this.bucket(bucket), key).some((version) => version.object?.file === object.file);
        if (isThere) throw error;
      }
    }
  }

  async read(bucket: string, key: string): Promise<Buffer | undefined> {
    if (!this.#buckets.get(bucket)?.objects.has(key)) return undefined;
    return (await this.get(bucket, key)).content;
  }

  /** Without a version, in a bucket that keeps versions: puts a delete marker over them. */
  async delete(bucketName: string, key: string, versionId?: string): Promise<Deletion> {
    const deletion = deleteVersion(this.bucket(bucketName), { key, versionId, now: this.clock.now() });
    for (const file of deletion.files) await this.disposal.remove(file);
    return deletion;
  }
}

/** Versions whose objects were changed by `move`. */
function moved(versions: readonly OlderVersion[], move: (object: StoredObject) => StoredObject): OlderVersion[] {
  return versions.map(({ object, ...version }) => (object ? { ...version, object: move(object) } : version));
}

function checkPrecondition({ ifNoneMatch, ifMatch }: PutOptions, before: StoredObject | undefined): void {
  if (ifMatch && !before) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
  const failed = (ifNoneMatch === '*' && before) || (ifMatch && before?.etag !== ifMatch);
  if (failed) throw new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
}

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectReader } from '../../api';
import type { Clock } from '../../clock';
import { ServiceError } from '../service-error';

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** With quotes, as S3 sends it. */
  readonly etag: string;
  readonly lastModified: number;
  /** Content type and `x-amz-meta-…`, as they came. */
  readonly headers: Readonly<Record<string, string>>;
  readonly file: string;
}

export interface Bucket {
  readonly name: string;
  readonly createdAt: number;
  readonly objects: Map<string, StoredObject>;
  tags: Readonly<Record<string, string>>;
  policy?: string;
}

export interface PutOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** `*`: only if there is no such object. */
  readonly ifNoneMatch?: string;
  /** Only over the object with this ETag. */
  readonly ifMatch?: string;
}

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Buckets and what is in them: the index in memory, the contents in files that are never rewritten. */
export class BucketStore implements ObjectReader {
  #buckets = new Map<string, Bucket>();

  constructor(private readonly folder: string, private readonly clock: Clock) {}

  createBucket(name: string, tags: Readonly<Record<string, string>> = {}): Bucket {
    if (!BUCKET_NAME.test(name)) throw new ServiceError('InvalidBucketName', `The specified bucket is not valid: "${name}"`);
    if (this.#buckets.has(name)) {
      throw new ServiceError('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', 409);
    }
    const bucket = { name, createdAt: this.clock.now(), objects: new Map<string, StoredObject>(), tags };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  deleteBucket(name: string): void {
    if (this.bucket(name).objects.size > 0) {
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

  object(bucket: string, key: string): StoredObject {
    const object = this.bucket(bucket).objects.get(key);
    if (!object) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
    return object;
  }

  async put(bucketName: string, key: string, content: Buffer, options: PutOptions = {}): Promise<StoredObject> {
    if (Buffer.byteLength(key) > 1024) throw new ServiceError('KeyTooLongError', 'Your key is too long');
    this.bucket(bucketName);
    await mkdir(this.folder, { recursive: true });
    const file = join(this.folder, randomUUID());
    await writeFile(file, content);
    try {
      // Looked up again: the bucket may have gone while the file was written. From here on nothing waits.
      const bucket = this.bucket(bucketName);
      const before = bucket.objects.get(key);
      checkPrecondition(options, before);
      const etag = `"${createHash('md5').update(content).digest('hex')}"`;
      const { headers = {} } = options;
      const object = { key, size: content.length, etag, lastModified: this.clock.now(), headers, file };
      bucket.objects.set(key, object);
      if (before) await rm(before.file, { force: true });
      return object;
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  /** The object and its content, of one and the same write. */
  async get(bucket: string, key: string): Promise<{ object: StoredObject; content: Buffer }> {
    for (;;) {
      const object = this.object(bucket, key);
      try {
        return { object, content: await readFile(object.file) };
      } catch (error) {
        if (this.bucket(bucket).objects.get(key) === object) throw error;
      }
    }
  }

  async read(bucket: string, key: string): Promise<Buffer | undefined> {
    if (!this.#buckets.get(bucket)?.objects.has(key)) return undefined;
    return (await this.get(bucket, key)).content;
  }

  async delete(bucketName: string, key: string): Promise<void> {
    const bucket = this.bucket(bucketName);
    const object = bucket.objects.get(key);
    bucket.objects.delete(key);
    if (object) await rm(object.file, { force: true });
  }
}

function checkPrecondition({ ifNoneMatch, ifMatch }: PutOptions, before: StoredObject | undefined): void {
  if (ifMatch && !before) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
  const failed = (ifNoneMatch === '*' && before) || (ifMatch && before?.etag !== ifMatch);
  if (failed) throw new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
}

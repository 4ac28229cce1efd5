import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../clock';
import { ServiceError } from '../service-error';
import type { BucketStore, PutOptions, StoredObject } from './bucket-store';

const MAX_PARTS = 10_000;
/** Of every part but the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

export interface Part {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
  readonly lastModified: number;
  readonly file: string;
}

export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Part>;
}

export type WantedPart = Pick<Part, 'number' | 'etag'>;

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Objects that come in parts. An upload that is not completed ends with the local cloud. */
export class MultipartUploads {
  readonly #uploads = new Map<string, Upload>();

  constructor(private readonly store: BucketStore, private readonly clock: Clock) {}

  create(bucket: string, key: string, headers: Readonly<Record<string, string>>): Upload {
    this.store.bucket(bucket);
    const initiated = this.clock.now();
    const upload: Upload = { uploadId: randomUUID(), bucket, key, initiated, headers, parts: new Map() };
    this.#uploads.set(upload.uploadId, upload);
    return upload;
  }

  find({ bucket, key, uploadId }: UploadName): Upload {
    const upload = this.#uploads.get(uploadId);
    if (!upload || upload.bucket !== bucket || upload.key !== key) {
      throw new ServiceError('NoSuchUpload', 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.', 404);
    }
    return upload;
  }

  list(bucket: string): Upload[] {
    return [...this.#uploads.values()].filter((upload) => upload.bucket === bucket);
  }

  async putPart(name: UploadName, number: number, content: Buffer): Promise<Part> {
    if (!(Number.isInteger(number) && number >= 1 && number <= MAX_PARTS)) {
      throw new ServiceError('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
    }
    this.find(name);
    const file = await this.store.writeContent(content);
    const { parts } = this.find(name);
    const before = parts.get(number);
    const etag = `"${createHash('md5').update(content).digest('hex')}"`;
    const part = { number, etag, size: content.length, lastModified: this.clock.now(), file };
    parts.set(number, part);
    if (before) await this.store.removeContent(before.file);
    return part;
  }

  async complete(name: UploadName, wanted: readonly WantedPart[], options: PutOptions): Promise<StoredObject> {
    const upload = this.find(name);
    const parts = chosenParts(upload, wanted);
    const content = Buffer.concat(await Promise.all(parts.map(({ file }) => readFile(file))));
    const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'));
    const etag = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${parts.length}"`;
    const { bucket, key, headers } = upload;
    const object = await this.store.put(bucket, key, content, { ...options, headers, etag });
    await this.#end(upload);
    return object;
  }

  async abort(name: UploadName): Promise<void> {
    await this.#end(this.find(name));
  }

  async #end({ uploadId, parts }: Upload): Promise<void> {
    this.#uploads.delete(uploadId);
    for (const { file } of parts.values()) await this.store.removeContent(file);
  }
}

function chosenParts({ parts }: Upload, wanted: readonly WantedPart[]): Part[] {
  const chosen = wanted.map(({ number, etag }) => {
    const part = parts.get(number);
    if (!part || part.etag.replaceAll('"', '') !== etag.replaceAll('"', '')) {
      throw new ServiceError('InvalidPart', 'One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part\'s entity tag.');
    }
    return part;
  });
  if (chosen.some(({ number }, index) => index > 0 && number <= chosen[index - 1].number)) {
    throw new ServiceError('InvalidPartOrder', 'The list of parts was not in ascending order. Parts must be ordered by part number.');
  }
  if (chosen.slice(0, -1).some(({ size }) => size < MIN_PART_BYTES)) {
    throw new ServiceError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  }
  return chosen;
}

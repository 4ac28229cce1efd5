import type { ArtifactStore, ObjectLocation, Presence, SourceObject } from '../../lambda/image-builder/artifacts';

/** Buckets as a set of `bucket/key`. */
export class FakeArtifacts implements ArtifactStore {
  readonly objects = new Set<string>();
  readonly copies: string[] = [];
  readonly bodies = new Map<string, Uint8Array>();
  /** Errors of the next copies, puts and looks. */
  readonly faults: Error[] = [];
  /** The error of all deletions. */
  deletionFault?: Error;
  /** What S3 answers for an object that is not there. */
  absence: Presence = 'missing';

  async find({ bucket, key }: ObjectLocation): Promise<Presence> {
    return this.objects.has(`${bucket}/${key}`) ? 'there' : this.absence;
  }

  async copy(from: SourceObject, to: ObjectLocation): Promise<void> {
    this.strike();
    this.copies.push(`${from.bucket}/${from.key}${from.version === undefined ? '' : `@${from.version}`}`);
    this.objects.add(`${to.bucket}/${to.key}`);
  }

  async put({ bucket, key }: ObjectLocation, body: Uint8Array): Promise<void> {
    this.strike();
    this.bodies.set(`${bucket}/${key}`, body);
    this.objects.add(`${bucket}/${key}`);
  }

  async deleteAll(bucket: string, prefix: string): Promise<void> {
    if (this.deletionFault) throw this.deletionFault;
    for (const object of this.objects) if (object.startsWith(`${bucket}/${prefix}`)) this.objects.delete(object);
  }

  private strike(): void {
    const fault = this.faults.shift();
    if (fault) throw fault;
  }
}

export function s3Error(name: string, status: number, message = name): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
}

export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

export interface SourceObject extends ObjectLocation {
  readonly version?: string;
}

/** A build context in S3, and what it is made of. Without both it is somebody else's, and only read. */
export interface Artifact {
  readonly place: ObjectLocation;
  readonly source?: SourceObject;
  /** Text of the context's only file. */
  readonly dockerfile?: string;
}

/** `hidden`: S3 answers 403 for an object that is not there to who may not list the bucket, and to who may not read it. */
export type Presence = 'there' | 'missing' | 'hidden';

/** What the builder asks of S3. */
export interface ArtifactStore {
  find(object: ObjectLocation): Promise<Presence>;
  copy(from: SourceObject, to: ObjectLocation): Promise<void>;
  put(object: ObjectLocation, body: Uint8Array): Promise<void>;
  /** Deletes everything below the prefix. A bucket that is gone has nothing. */
  deleteAll(bucket: string, prefix: string): Promise<void>;
}

/** Where an image keeps its artifacts: everything up to the last `/` of one of them. */
function artifactPrefix(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** Deletes an artifact with all that lies in its folder. One without a source is somebody else's. */
export async function removeArtifacts(store: ArtifactStore, { place, source, dockerfile }: Artifact): Promise<void> {
  if (source || dockerfile !== undefined) await store.deleteAll(place.bucket, artifactPrefix(place.key));
}

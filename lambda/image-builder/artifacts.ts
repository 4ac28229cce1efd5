export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

/** What the builder asks of S3. */
export interface ArtifactStore {
  exists(object: ObjectLocation): Promise<boolean>;
  copy(from: ObjectLocation, to: ObjectLocation): Promise<void>;
  /** Deletes everything below the prefix. A bucket that is gone has nothing. */
  deleteAll(bucket: string, prefix: string): Promise<void>;
}

/** Where an image keeps its artifacts: everything up to the last `/` of one of them. */
export function artifactPrefix(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

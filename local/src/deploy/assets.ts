import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesBelow, zipEntries } from './zip';
import type { BucketStore } from '../services/s3/bucket-store';

interface AssetManifest {
  readonly files?: Readonly<Record<string, FileAsset>>;
  readonly dockerImages?: Readonly<Record<string, unknown>>;
}

interface FileAsset {
  readonly source: { readonly path?: string; readonly packaging?: string; readonly executable?: readonly string[] };
  readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>;
}

export interface PublishOptions {
  readonly buckets: BucketStore;
  readonly account: string;
  readonly region: string;
  readonly warn: (message: string) => void;
  /** Told each bucket that was made for assets. */
  readonly onBucket: (name: string) => void;
  /** Aborted: nothing more is published. */
  readonly ending: AbortSignal;
}

/** Puts the file assets of a manifest where its stacks look for them. What is there already is not written again. */
export async function publishAssets(manifestFile: string, options: PublishOptions): Promise<void> {
  const { buckets, account, region, warn, onBucket, ending } = options;
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as AssetManifest;
  const fill = (text: string): string => text
    .replaceAll('${AWS::AccountId}', account).replaceAll('${AWS::Region}', region).replaceAll('${AWS::Partition}', 'aws');
  for (const id of Object.keys(manifest.dockerImages ?? {})) {
    warn(`container image asset ${id} is not built: the local cloud runs no container images of functions`);
  }
  for (const asset of Object.values(manifest.files ?? {})) {
    for (const { bucketName, objectKey } of Object.values(asset.destinations)) {
      ending.throwIfAborted();
      const bucket = fill(bucketName);
      const key = fill(objectKey);
      if (!buckets.hasBucket(bucket)) {
        buckets.createBucket(bucket);
        onBucket(bucket);
      }
      if (buckets.bucket(bucket).objects.has(key)) continue;
      await buckets.put(bucket, key, await contentOf(asset, dirname(manifestFile)));
    }
  }
}

async function contentOf({ source }: FileAsset, directory: string): Promise<Buffer> {
  if (!source.path) throw new Error(`asset made by the command ${source.executable?.join(' ')}: the local cloud publishes only files and directories`);
  const path = join(directory, source.path);
  return source.packaging === 'zip' ? zipEntries(filesBelow(path)) : readFileSync(path);
}

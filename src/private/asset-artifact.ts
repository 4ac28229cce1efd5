import { rmSync } from 'fs';
import { FileSystem } from 'aws-cdk-lib';
import * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import * as cxapi from 'aws-cdk-lib/cx-api';
import type { Construct } from 'constructs';
import type { CopiedArtifact } from './bound-source';

/** An asset as the source of an image. Its hash is in the artifact's key. */
export function assetArtifact(asset: s3Assets.Asset): CopiedArtifact {
  return { kind: 'copied', bucket: asset.bucket, key: asset.s3ObjectKey, fingerprint: asset.assetHash };
}

/** Publishes a build context that `write` puts together. */
export function composedArtifact(scope: Construct, write: (context: string) => void): CopiedArtifact {
  const context = FileSystem.mkdtemp('microvm-sandbox-image-');
  write(context);
  const asset = new s3Assets.Asset(scope, 'Source', { path: context });
  // With staging off the asset is published from here, after synthesis.
  if (!scope.node.tryGetContext(cxapi.DISABLE_ASSET_STAGING_CONTEXT)) rmSync(context, { recursive: true });
  return assetArtifact(asset);
}

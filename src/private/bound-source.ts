import type * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { ImageHooks } from '../image-hooks';

/** What an image source becomes inside of an image. */
export interface BoundSource {
  readonly asset: s3Assets.Asset;
  /** Where the source's daemon listens; absent for an image without our runtime. */
  readonly daemonPort?: number;
  /** Hooks that the source answers by itself; absent if the user says which there are. */
  readonly hooks?: ImageHooks;
}

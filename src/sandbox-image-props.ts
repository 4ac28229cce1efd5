import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { BaseImage } from './base-image';
import type { ImageHooks } from './image-hooks';
import type { ImageSource } from './image-source';
import type { MemorySize } from './memory-size';
import type { OsCapabilities } from './os-capabilities';
import type { SandboxNetwork } from './sandbox-network';
import type { TrustCondition } from './trust-condition';

/** What to build, and how. */
export interface SandboxImageProps {
  /**
   * What the image is built from.
   *
   * @default ImageSource.sandbox()
   */
  readonly source?: ImageSource;

  /**
   * Name of the image: 1–64 letters, digits, `-` and `_`, unique in the account and Region. Changing it replaces the image.
   *
   * @default - from the stack's name and the construct's path
   */
  readonly imageName?: string;

  /**
   * System that the platform boots under the container.
   *
   * @default BaseImage.AL2023_1
   */
  readonly baseImage?: BaseImage;

  /**
   * How often to look for a newer base image and to rebuild on it, without a deployment. Needs `BaseImage.latest()`.
   *
   * A rebuild that fails leaves the current version in use; see `metricBuildFailed`. Pools follow the image: they look its version up when they
   * start a sandbox, and `imageVersion` is the one of the last deployment. A look costs one call of a function, a rebuild what a deployment's
   * build costs.
   *
   * @default - never: a new base image comes with a deployment that changes the image
   */
  readonly rebuildOnNewBase?: events.Schedule;

  /**
   * Memory of each microVM, and with it its vCPUs, disk and price.
   *
   * @default MemorySize.MIB_2048
   */
  readonly memory?: MemorySize;

  /**
   * Hooks that your own image answers. Not for an image with the sandbox runtime, which brings its own.
   *
   * @default - none
   */
  readonly hooks?: ImageHooks;

  /**
   * Environment variables, at most 50, values of at most 4096 characters. They are baked into the snapshot that all sandboxes share:
   * never a place for secrets.
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };

  /**
   * How many replaced versions stay, INACTIVE, for a rollback without a build: 1 to 48, as the platform keeps 50 of an image.
   *
   * Each costs the storage of its snapshot, about $0.08 per GB and month, and at least a week of it. None is not possible: when a deployment
   * fails, pools that it did not change go on with the version before. An earlier template whose version is gone is built again, under a new
   * number. A version that a microVM runs is never deleted.
   *
   * @default 1
   */
  readonly retainVersions?: number;

  /**
   * What the operating system lets code in a sandbox do beyond an ordinary container: mounts, containers inside.
   *
   * @default OsCapabilities.NONE
   */
  readonly osCapabilities?: OsCapabilities;

  /**
   * Description of the image.
   *
   * @default - none
   */
  readonly description?: string;

  /**
   * What the build can reach. Sandboxes do not inherit it: their network is the pool's.
   *
   * @default SandboxNetwork.internet()
   */
  readonly network?: SandboxNetwork;

  /**
   * Bucket that the build reads its context from, in the stack's Region. The image keeps its objects below its name and deletes them
   * when it goes, or when it has been built from another bucket.
   *
   * Not with `ImageSource.bucket()` without a version, whose object is used where it lies.
   *
   * @default - a bucket that all images of the stack with the same `encryptionKey` share; what lies in it expires after 30 days
   */
  readonly artifactBucket?: s3.IBucket;

  /**
   * Role of the build; code in the Dockerfile and the build hooks can use it. It must trust `lambda.amazonaws.com` with `sts:AssumeRole`
   * and `sts:TagSession`. The rights to read the artifact and to write the build log are added to it; a role that does not take them (of
   * another account, or imported as immutable) is warned of with the statements that it needs.
   *
   * @default - a new role with just these rights
   */
  readonly buildRole?: iam.IRoleRef;

  /**
   * On whose behalf the platform may assume the build role. Not with a `buildRole` of your own.
   *
   * @default TrustCondition.SOURCE_ACCOUNT
   */
  readonly trustCondition?: TrustCondition;

  /**
   * Key that encrypts the artifact bucket, the build log, and the logs and environment of the image-builder's functions. Its policy is amended for
   * CloudWatch Logs where it can be. Images with the same key share a bucket; all images of a stack share the builder, which has the key of
   * the first that names one.
   *
   * Another key for an existing image builds it again from another bucket. The former bucket is emptied then, and leaves the stack.
   *
   * The platform encrypts its snapshots with a key of its own.
   *
   * @default - keys of the services
   */
  readonly encryptionKey?: kms.IKeyRef;

  /**
   * How long the build log is kept, in the log group `/aws/lambda-microvms/<image name>`.
   *
   * @default RetentionDays.TWO_WEEKS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * What becomes of the image and its build log when they leave the stack. A retained image keeps its artifact bucket.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

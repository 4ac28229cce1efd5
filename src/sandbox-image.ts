import type { IResource } from 'aws-cdk-lib';
import { RemovalPolicy, Resource, Token } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { BUILD_LOG_GROUP_PREFIX, IMAGE_ATTRIBUTES } from './contract/image';
import type { ImageHooks } from './image-hooks';
import { ImageSource } from './image-source';
import { MemorySize } from './memory-size';
import { artifactBucketOf } from './private/artifact-bucket';
import type { BoundSource } from './private/bound-source';
import { createBuildRole } from './private/build-role';
import { checkEnvironment } from './private/check-environment';
import { checkImageName, defaultImageName } from './private/image-name';
import { ImageResource } from './private/image-resource';
import { ImportedImage } from './private/imported-image';
import { hookPort, renderHooks } from './private/render-hooks';
import { SandboxNetwork } from './sandbox-network';
import { ValidationError } from './validation-error';

/** An image that sandboxes start from. */
export interface ISandboxImage extends IResource, lambda.IMicrovmImageRef {
  /**
   * ARN of the image, without a version.
   * @attribute
   */
  readonly imageArn: string;

  /**
   * Name of the image.
   * @attribute
   */
  readonly imageName: string;

  /**
   * The exact version to run, like `3.0`. Reading it fails if the version is not pinned.
   * @attribute
   */
  readonly imageVersion: string;

  /** Whether pools run exactly `imageVersion`. If not, they look the image's current version up when they start a sandbox. */
  readonly versionPinned: boolean;

  /** Port of the sandbox runtime inside of the image; undefined for an image without it. */
  readonly daemonPort?: number;

  /** Port that answers the platform's hooks; undefined for an image without hooks. No token ever opens it. */
  readonly hookPort?: number;
}

/** An image that exists already. */
export interface SandboxImageAttributes {
  /** ARN of the image, without a version. */
  readonly imageArn: string;

  /**
   * The exact version to run, like `3.0`.
   *
   * @default - the current version when a sandbox is started
   */
  readonly imageVersion?: string;

  /**
   * Port of the sandbox runtime inside of the image: 8080 if it was built from `ImageSource.sandbox()`.
   *
   * @default - the image has no sandbox runtime: no commands and no files, only its own ports
   */
  readonly daemonPort?: number;

  /**
   * Port that answers the platform's hooks: 9000 if it was built from `ImageSource.sandbox()`. A token that covers it would let its
   * holder call the hooks, so name it.
   *
   * @default - the image has no hooks
   */
  readonly hookPort?: number;
}

/** What an image that AWS's own types describe does not tell. */
export interface MicrovmImageOptions {
  /**
   * The exact version to run, like `3.0`.
   *
   * @default - the current version when a sandbox is started
   */
  readonly imageVersion?: string;

  /**
   * Port of the sandbox runtime inside of the image.
   *
   * @default - the image has no sandbox runtime
   */
  readonly daemonPort?: number;

  /**
   * Port that answers the platform's hooks.
   *
   * @default - the image has no hooks
   */
  readonly hookPort?: number;
}

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
   * Memory of each microVM, and with it its vCPUs, disk and price.
   *
   * @default MemorySize.MIB_2048
   */
  readonly memory?: MemorySize;

  /**
   * Hooks that your own image answers. Not for `ImageSource.sandbox()`, which brings its own.
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
   * when it goes.
   *
   * @default - a bucket that all images of the stack share; what lies in it expires after 30 days
   */
  readonly artifactBucket?: s3.IBucket;

  /**
   * Role of the build; code in the Dockerfile and the build hooks can use it. It must trust `lambda.amazonaws.com` with `sts:AssumeRole`
   * and `sts:TagSession`. The rights to read the artifact and to write the build log are added to it.
   *
   * @default - a new role with just these rights
   */
  readonly buildRole?: iam.IRole;

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

/**
 * An image: built and snapshotted by the platform during the deployment, which fails with the build's own reason if it fails.
 *
 * A change of anything but the name builds a new version; the deployment waits for it, some minutes. A stack has room for six images.
 *
 * @resource Custom::MicrovmSandboxImage
 */
export class SandboxImage extends Resource implements ISandboxImage {
  /** Use an image that exists already, whoever built it. */
  public static fromSandboxImageAttributes(scope: Construct, id: string, attrs: SandboxImageAttributes): ISandboxImage {
    validateAttributes(scope, attrs);
    return new ImportedImage(scope, id, attrs);
  }

  /** Use an image of AWS's own construct, `CfnMicrovmImage` for instance. */
  public static fromMicrovmImage(
    scope: Construct, id: string, image: lambda.IMicrovmImageRef, options: MicrovmImageOptions = {},
  ): ISandboxImage {
    return new ImportedImage(scope, id, { ...options, imageArn: image.microvmImageRef.imageArn });
  }

  public readonly imageArn: string;
  public readonly imageName: string;
  public readonly imageVersion: string;
  public readonly versionPinned: boolean = true;
  public readonly daemonPort?: number;
  public readonly hookPort?: number;
  /** Where the build reads its context from. */
  public readonly artifactBucket: s3.IBucket;
  /** What the build runs as. */
  public readonly buildRole: iam.IRole;
  /** Where the build log goes. */
  public readonly logGroup: logs.ILogGroup;

  constructor(scope: Construct, id: string, props: SandboxImageProps = {}) {
    super(scope, id);
    this.imageName = props.imageName ?? defaultImageName(this);
    validateProps(this, props);

    const source = (props.source ?? ImageSource.sandbox())._bind(this);
    const hooks = hooksOf(this, source, props);
    this.daemonPort = source.daemonPort;
    this.hookPort = hooks && hookPort(hooks);
    this.artifactBucket = props.artifactBucket ?? sharedBucket(this, props);
    this.logGroup = createLogGroup(this, props);
    this.buildRole = props.buildRole ?? createBuildRole(this, 'BuildRole');

    const resource = new ImageResource(this, 'Resource', {
      imageName: this.imageName,
      description: props.description,
      source: source.asset,
      artifactBucket: this.artifactBucket,
      buildRole: this.buildRole,
      logGroup: this.logGroup,
      memory: props.memory ?? MemorySize.MIB_2048,
      egressConnectorArns: (props.network ?? SandboxNetwork.internet())._bind(this).egressConnectorArns,
      environment: props.environment ?? {},
      hooks: hooks && renderHooks(this, hooks),
      removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
    });
    this.imageArn = resource.getAttString(IMAGE_ATTRIBUTES.imageArn);
    this.imageVersion = resource.getAttString(IMAGE_ATTRIBUTES.imageVersion);
  }

  public get microvmImageRef(): lambda.MicrovmImageReference {
    return { imageArn: this.imageArn };
  }
}

function validateAttributes(scope: Construct, { imageArn, imageVersion }: SandboxImageAttributes): void {
  // With a slash instead of the colon the service answers "access denied", which looks like a fault of the policy.
  if (!Token.isUnresolved(imageArn) && !/^arn:[^:]+:lambda:[^:]*:[^:]*:microvm-image:[a-zA-Z0-9_-]+$/.test(imageArn)) {
    throw new ValidationError(
      `imageArn: '${imageArn}' is not the ARN of an image; it looks like arn:aws:lambda:<region>:<account>:microvm-image:<name>`, scope,
    );
  }
  if (imageVersion !== undefined && !Token.isUnresolved(imageVersion) && !/^\d+\.\d+$/.test(imageVersion)) {
    throw new ValidationError(`imageVersion: '${imageVersion}' is not an exact version; it looks like 3.0`, scope);
  }
}

function validateProps(image: SandboxImage, props: SandboxImageProps): void {
  checkImageName(image, image.imageName);
  checkEnvironment(image, props.environment ?? {});
}

function hooksOf(image: SandboxImage, source: BoundSource, props: SandboxImageProps): ImageHooks | undefined {
  if (source.hooks !== undefined && props.hooks !== undefined) {
    throw new ValidationError('hooks: ImageSource.sandbox() brings its own; leave hooks out', image);
  }
  return source.hooks ?? props.hooks;
}

function sharedBucket(image: SandboxImage, props: SandboxImageProps): s3.IBucket {
  const bucket = artifactBucketOf(image);
  // Nobody empties it for an image that stays, and a bucket with objects in it cannot be deleted.
  const stays = (props.removalPolicy ?? RemovalPolicy.DESTROY) !== RemovalPolicy.DESTROY;
  if (stays) bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return bucket;
}

// The service would make the group by itself, keep it for ever, and leave it behind.
function createLogGroup(image: SandboxImage, props: SandboxImageProps): logs.LogGroup {
  return new logs.LogGroup(image, 'BuildLogs', {
    logGroupName: `${BUILD_LOG_GROUP_PREFIX}${image.imageName}`,
    retention: props.logRetention ?? logs.RetentionDays.TWO_WEEKS,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  });
}

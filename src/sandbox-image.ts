import type { IResource } from 'aws-cdk-lib';
import { RemovalPolicy, Resource, Tokenization } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { BaseImage } from './base-image';
import { IMAGE_ATTRIBUTES, IMAGE_METRICS } from './contract/image';
import { METRIC_NAMESPACE } from './contract/metrics';
import { ImageSource } from './image-source';
import { MemorySize } from './memory-size';
import { OsCapabilities } from './os-capabilities';
import type { Artifact } from './private/bound-source';
import { allowArtifactsOf, createBuildRole } from './private/build-role';
import { resolveKey } from './private/encryption';
import { ImageBuilderProvider } from './private/image-builder-provider';
import { grantBuildOf } from './private/image-grants';
import { defaultImageName } from './private/image-name';
import { ImageResource } from './private/image-resource';
import { artifactBucketFor, createBuildLogs } from './private/image-surroundings';
import { ImportedImage } from './private/imported-image';
import { injectedProps } from './private/injected-props';
import { baseImageArn, imageArn } from './private/microvm-arns';
import { warnOfRegion } from './private/network/regions';
import { RebuildSchedule } from './private/rebuild-schedule';
import { hookPort, renderHooks } from './private/render-hooks';
import { RolePrincipal } from './private/role-principal';
import { checkAttributes, checkImageProps, hooksOf, retainVersionsOf } from './private/validate-image';
import type { SandboxImageProps } from './sandbox-image-props';
import { SandboxNetwork } from './sandbox-network';

/** An image that sandboxes start from. AWS's own `IMicrovmImageRef` becomes one with `SandboxImage.fromMicrovmImage`. */
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
   * The exact version to run, like `3.0`. Of an image that was imported without one it fails to be read.
   * @attribute
   */
  readonly imageVersion: string;

  /**
   * Whether `imageVersion` is exact. Otherwise pools follow the image: they look its current version up when they start a sandbox, by the
   * tag `cdk-microvm-sandbox:current` or, without it, as the newest that is active.
   */
  readonly versionPinned: boolean;

  /** Port of the sandbox runtime inside of the image; undefined for an image without it. */
  readonly daemonPort?: number;

  /** Port that answers the platform's hooks; undefined for an image without hooks. No token ever opens it. */
  readonly hookPort?: number;
}

/** What is to be known of an image that was made elsewhere. */
export interface MicrovmImageOptions {
  /**
   * The exact version to run, like `3.0`.
   *
   * @default - pools follow the image: they look its current version up when they start a sandbox
   */
  readonly imageVersion?: string;

  /**
   * Port of the sandbox runtime inside of the image: 8080 if it was built with our runtime. 1 to 65,535, without 8443, where the platform's
   * own agent listens.
   *
   * @default - the image has no sandbox runtime: no commands and no files, only its own ports
   */
  readonly daemonPort?: number;

  /**
   * Port that answers the platform's hooks: 9000 if it was built with our runtime. 1 to 65,535, without 8443. A token that covers it would
   * let its holder call the hooks, so name it.
   *
   * @default - the image has no hooks
   */
  readonly hookPort?: number;
}

/** An image that exists already. */
export interface SandboxImageAttributes extends MicrovmImageOptions {
  /** ARN of the image, without a version. */
  readonly imageArn: string;
}

/**
 * An image: built and snapshotted by the platform during the deployment, which fails with the build's own reason if it fails.
 *
 * A change of anything but name, tags and `retainVersions` builds a new version; the deployment waits for it, some minutes. A stack has
 * room for ten images.
 *
 * @resource Custom::MicrovmSandboxImage
 */
export class SandboxImage extends Resource implements ISandboxImage {
  /** Names the construct to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-microvm-sandbox.SandboxImage';

  /** Use an image that exists already, whoever built it. */
  public static fromSandboxImageAttributes(scope: Construct, id: string, attrs: SandboxImageAttributes): ISandboxImage {
    checkAttributes(scope, attrs);
    return new ImportedImage(scope, id, attrs);
  }

  /**
   * Use an image of AWS's own resource, such as a `lambda.CfnMicrovmImage`. Without a version pools follow it: CloudFormation builds a new one
   * with each change, and knows its number only afterwards.
   */
  public static fromMicrovmImage(
    scope: Construct, id: string, image: lambda.IMicrovmImageRef, options: MicrovmImageOptions = {},
  ): ISandboxImage {
    return SandboxImage.fromSandboxImageAttributes(scope, id, { ...options, imageArn: image.microvmImageRef.imageArn });
  }

  public readonly imageArn: string;
  public readonly imageName: string;
  public readonly imageVersion: string;
  public readonly versionPinned: boolean;
  public readonly daemonPort?: number;
  public readonly hookPort?: number;

  /**
   * Version of the base image that `imageVersion` was built on: a bare whole number like `1`.
   * @attribute
   */
  public readonly baseImageVersion: string;

  /**
   * What the service says of that base image at the deployment: `AVAILABLE`, `DEPRECATED`, `EXPIRING`, `EXPIRED`, `RECALLED`, or `UNKNOWN` if it
   * did not answer.
   * @attribute
   */
  public readonly baseImageStatus: string;

  /** Where the build reads its context from. */
  public readonly artifactBucket: s3.IBucket;
  /** What the build runs as. */
  public readonly buildRole: iam.IRoleRef;
  /** Where the build log goes. */
  public readonly logGroup: logs.ILogGroup;

  private readonly provider: ImageBuilderProvider;
  private readonly buildPrincipal: RolePrincipal;
  private readonly resource: ImageResource;
  private readonly egressConnectorArns: string[];

  constructor(scope: Construct, id: string, props: SandboxImageProps = {}) {
    super(scope, id);
    const injected = injectedProps({ scope, id, uniqueId: SandboxImage.PROPERTY_INJECTION_ID }, props);
    this.imageName = injected.imageName ?? defaultImageName(this);
    checkImageProps(this, injected);
    warnOfRegion(this);

    const source = (injected.source ?? ImageSource.sandbox())._bind(this);
    const hooks = hooksOf(this, source, injected);
    const key = injected.encryptionKey && resolveKey(this, injected.encryptionKey);
    this.provider = ImageBuilderProvider.of(this, key);
    this.daemonPort = source.daemonPort;
    this.hookPort = hooks && hookPort(hooks);
    this.versionPinned = injected.rebuildOnNewBase === undefined;
    this.artifactBucket = artifactBucketFor(this, {
      ...injected, artifact: source.artifact, key, builder: this.provider.role,
    });
    this.logGroup = createBuildLogs(this, this.imageName, { ...injected, key });
    this.buildRole = injected.buildRole ?? createBuildRole(this, 'BuildRole', {
      trustCondition: injected.trustCondition,
      pulls: source.artifact.kind === 'dockerfile',
    });
    this.buildPrincipal = new RolePrincipal(this, this.buildRole, 'BuildRolePolicy');
    this.egressConnectorArns = (injected.network ?? SandboxNetwork.internet())._bind(this).egressConnectorArns;

    this.resource = new ImageResource(this, 'Resource', {
      provider: this.provider,
      imageName: this.imageName,
      description: injected.description,
      baseImageVersion: (injected.baseImage ?? BaseImage.AL2023_1)._render(this),
      artifact: source.artifact,
      artifactBucket: this.artifactBucket,
      userBucket: injected.artifactBucket,
      buildRole: this.buildRole,
      buildPrincipal: this.buildPrincipal,
      logGroup: this.logGroup,
      memoryMib: (injected.memory ?? MemorySize.MIB_2048)._render(),
      egressConnectorArns: this.egressConnectorArns,
      environment: injected.environment ?? {},
      hooks: hooks && renderHooks(this, hooks),
      osCapabilities: injected.osCapabilities === OsCapabilities.ALL ? ['ALL'] : [],
      retainVersions: Tokenization.stringifyNumber(retainVersionsOf(injected)),
      removalPolicy: injected.removalPolicy ?? RemovalPolicy.DESTROY,
    });
    this.warnOfBuildRole();
    this.imageArn = this.resource.getAttString(IMAGE_ATTRIBUTES.imageArn);
    this.imageVersion = this.resource.getAttString(IMAGE_ATTRIBUTES.imageVersion);
    this.baseImageVersion = this.resource.getAttString(IMAGE_ATTRIBUTES.baseImageVersion);
    this.baseImageStatus = this.resource.getAttString(IMAGE_ATTRIBUTES.baseImageStatus);
    if (injected.rebuildOnNewBase !== undefined) this.rebuildOn(injected.rebuildOnNewBase, source.artifact, injected);
  }

  /** ARN and version of the image for AWS's own constructs. */
  public get microvmImageRef(): lambda.MicrovmImageReference {
    return { imageArn: this.imageArn };
  }

  /**
   * Allows to build new versions of this image outside of CloudFormation, as a pipeline does: to put an artifact below the image's prefix, to
   * build it as the build role, to read the build log, and to name the version that following pools start. The build role may then read every
   * artifact of the image.
   *
   * The next deployment that changes the image builds from the template again.
   */
  public grantBuild(grantee: iam.IGrantable): iam.Grant {
    const { artifactBucket, buildPrincipal, egressConnectorArns, resource } = this;
    allowArtifactsOf(buildPrincipal, artifactBucket, resource.artifactPattern);
    this.warnOfBuildRole();
    return grantBuildOf(grantee, {
      image: this,
      imageArn: imageArn(this, this.imageName),
      artifactPattern: resource.artifactPattern,
      egressConnectorArns,
    });
  }

  /** Builds that failed, during a deployment or a rebuild: their sum over 5 minutes. */
  public metricBuildFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(IMAGE_METRICS.buildFailed, { statistic: cloudwatch.Stats.SUM, ...props });
  }

  /** Milliseconds from the request of a version to the version that can be run: their average over 5 minutes. */
  public metricBuildDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const defaults = { statistic: cloudwatch.Stats.AVERAGE, unit: cloudwatch.Unit.MILLISECONDS };
    return this.metric(IMAGE_METRICS.buildDuration, { ...defaults, ...props });
  }

  /**
   * 1 each time a deployment or the schedule of `rebuildOnNewBase` finds that the image is built on a base image that is not AVAILABLE: its
   * maximum over 5 minutes.
   */
  public metricDeprecatedBase(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(IMAGE_METRICS.deprecatedBase, { statistic: cloudwatch.Stats.MAXIMUM, ...props });
  }

  private rebuildOn(schedule: events.Schedule, artifact: Artifact, props: SandboxImageProps): void {
    new RebuildSchedule(this, 'RebuildSchedule', {
      provider: this.provider,
      schedule,
      artifact,
      imageArn: this.imageArn,
      baseImageArn: baseImageArn(this),
      artifactBucket: this.artifactBucket.bucketName,
      artifactKey: this.resource.artifactKey,
      logGroupName: this.logGroup.logGroupName,
      retainVersions: retainVersionsOf(props),
    });
  }

  private metric(metricName: string, props: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: METRIC_NAMESPACE,
      dimensionsMap: { [IMAGE_METRICS.dimension]: this.imageName },
      metricName,
      ...props,
    }).attachTo(this);
  }

  private warnOfBuildRole(): void {
    this.buildPrincipal.warnOfRefused({ id: 'buildRoleNotChanged', prop: 'buildRole' });
  }
}

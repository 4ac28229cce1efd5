/** What `SandboxImage` renders and `lambda/image-builder` reads. */

export const IMAGE_RESOURCE_TYPE = 'Custom::MicrovmSandboxImage';

/** Where the service finds a build's log group by itself; the build role is allowed to write nowhere else. */
export const BUILD_LOG_GROUP_PREFIX = '/aws/lambda-microvms/';

/** In place of a base image's version: the newest that the service offers when the deployment starts. */
export const LATEST_BASE_IMAGE = 'latest';

/** Properties of the custom resource. CloudFormation hands numbers and booleans over as strings. */
export interface ImageResourceProperties {
  readonly ServiceToken: string;
  readonly ImageName: string;
  readonly Description?: string;
  readonly BaseImageArn: string;
  /** A bare major version such as `1`, or `latest`. */
  readonly BaseImageVersion: string;
  readonly BuildRoleArn: string;
  /** Where the service reads the build context. The folder of the key is the image's own if one of the sources is given. */
  readonly ArtifactBucket: string;
  readonly ArtifactKey: string;
  /** The zip that the builder copies to the artifact's place. Without any source the artifact lies there already, and is never deleted. */
  readonly SourceBucket?: string;
  readonly SourceKey?: string;
  /** Version of the source object. */
  readonly SourceObjectVersion?: string;
  /** Text of a Dockerfile that the builder zips and puts to the artifact's place, instead of a source object. */
  readonly SourceDockerfile?: string;
  readonly MemoryMib: string;
  readonly EgressConnectorArns: string[];
  readonly LogGroupName: string;
  /** Environment variables baked into the snapshot. */
  readonly Environment: Record<string, string>;
  readonly Hooks?: ImageHooksProperties;
  /** `ALL`, or nothing. */
  readonly OsCapabilities: string[];
  /** How many replaced versions stay, INACTIVE, for a rollback without a build. */
  readonly RetainVersions: string;
  readonly Tags?: Record<string, string>;
}

export interface ImageHooksProperties {
  readonly Port: string;
  /** Timeout in seconds of each enabled hook. */
  readonly Ready?: string;
  readonly Validate?: string;
  readonly Run?: string;
  readonly Resume?: string;
  readonly Suspend?: string;
  readonly Terminate?: string;
}

/** Attributes of the custom resource. The physical id is the image's ARN. */
export const IMAGE_ATTRIBUTES = {
  imageArn: 'ImageArn',
  imageVersion: 'ImageVersion',
  /** Bare major version of the base image that the version was built on. */
  baseImageVersion: 'BaseImageVersion',
  /** What the service says of that base image: `AVAILABLE`, `DEPRECATED`, … */
  baseImageStatus: 'BaseImageStatus',
} as const;

/** Tag of the image that names the version that pools start, like `3.0`. A pool that follows the image reads it. */
export const CURRENT_VERSION_TAG = 'cdk-microvm-sandbox:current';

/** After this time the builder gives up and says why. The provider's total timeout must be longer, because it gives up without words. */
export const IMAGE_DEADLINE_MINUTES = 42;

/** Names of the exported handler functions. */
export const IMAGE_BUILDER_HANDLERS = { provide: 'provide', rebuild: 'rebuild' } as const;

/** What the schedule of `rebuildOnNewBase` hands to `rebuild`: short, because a rule's input has 8192 characters. */
export interface RebuildEvent {
  readonly imageArn: string;
  readonly baseImageArn: string;
  readonly artifactBucket: string;
  readonly artifactKey: string;
  readonly sourceBucket?: string;
  readonly sourceKey?: string;
  readonly sourceObjectVersion?: string;
  readonly sourceDockerfile?: string;
  readonly logGroupName: string;
  readonly retainVersions: number;
  /** EventBridge's own id of this call: one attempt, however often it is delivered. */
  readonly eventId: string;
}

/** Metrics of an image, in the dimension `ImageName`. */
export const IMAGE_METRICS = {
  dimension: 'ImageName',
  /** A build that failed; during a deployment or a rebuild. */
  buildFailed: 'BuildFailed',
  /** Milliseconds from the request to a version that can be run. */
  buildDuration: 'BuildDuration',
  /** 1 each time a deployment or the schedule finds that the current version is built on a base image that is not AVAILABLE. */
  deprecatedBase: 'DeprecatedBaseImage',
} as const;

/** What `SandboxImage` renders and `lambda/image-builder` reads. */

export const IMAGE_RESOURCE_TYPE = 'Custom::MicrovmSandboxImage';

/** Where the service finds a build's log group by itself; the build role is allowed to write nowhere else. */
export const BUILD_LOG_GROUP_PREFIX = '/aws/lambda-microvms/';

/** Properties of the custom resource. CloudFormation hands numbers and booleans over as strings. */
export interface ImageResourceProperties {
  readonly ServiceToken: string;
  readonly ImageName: string;
  readonly Description?: string;
  readonly BaseImageArn: string;
  /** A bare major version: `1`. */
  readonly BaseImageVersion: string;
  readonly BuildRoleArn: string;
  /** The zip as CDK published it. */
  readonly SourceBucket: string;
  readonly SourceKey: string;
  /** Where the builder copies it for the service to read: the key holds the content's hash. */
  readonly ArtifactBucket: string;
  readonly ArtifactKey: string;
  readonly MemoryMib: string;
  readonly EgressConnectorArns: string[];
  readonly LogGroupName: string;
  /** Environment variables baked into the snapshot. */
  readonly Environment: Record<string, string>;
  readonly Hooks?: ImageHooksProperties;
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
export const IMAGE_ATTRIBUTES = { imageArn: 'ImageArn', imageVersion: 'ImageVersion' } as const;

/** Names of the exported handler functions. */
export const IMAGE_BUILDER_HANDLERS = { onEvent: 'onEvent', isComplete: 'isComplete' } as const;

import type { ITaggableV2, RemovalPolicy } from 'aws-cdk-lib';
import { CustomResource, Duration, TagManager, TagType, Token } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Artifact } from './bound-source';
import { allowBuild } from './build-role';
import { fingerprintOf } from './fingerprint';
import { ImageBuilderPolicy } from './image-builder-policy';
import type { ImageBuilderProvider } from './image-builder-provider';
import { baseImageArn } from './microvm-arns';
import type { RolePrincipal } from './role-principal';
import type { ImageHooksProperties, ImageResourceProperties } from '../contract/image';
import { IMAGE_RESOURCE_TYPE } from '../contract/image';

export interface ImageResourceProps {
  readonly provider: ImageBuilderProvider;
  readonly imageName: string;
  readonly description?: string;
  readonly baseImageVersion: string;
  readonly artifact: Artifact;
  readonly artifactBucket: s3.IBucket;
  /** The artifact bucket, if it is the user's. */
  readonly userBucket?: s3.IBucket;
  readonly buildRole: iam.IRoleRef;
  readonly buildPrincipal: RolePrincipal;
  readonly logGroup: logs.ILogGroup;
  readonly memoryMib: string;
  readonly egressConnectorArns: string[];
  readonly environment: Record<string, string>;
  readonly hooks?: ImageHooksProperties;
  readonly osCapabilities: string[];
  readonly retainVersions: string;
  readonly removalPolicy: RemovalPolicy;
}

/** The custom resource behind an image, with what its builder and its build may do. */
export class ImageResource extends CustomResource implements ITaggableV2 {
  public readonly cdkTagManager: TagManager;
  /** Keys that an artifact of this image may have, as a pattern of IAM. */
  public readonly artifactPattern: string;
  public readonly artifactKey: string;

  constructor(scope: Construct, id: string, props: ImageResourceProps) {
    const { provider, artifact, imageName, buildPrincipal } = props;
    provider.admit(scope);
    const tags = new TagManager(TagType.MAP, IMAGE_RESOURCE_TYPE);
    const artifactPrefix = `${imageName}/`;
    const artifactKey = artifact.kind === 'inPlace' ? artifact.key : `${artifactPrefix}${artifact.fingerprint}.zip`;
    super(scope, id, {
      resourceType: IMAGE_RESOURCE_TYPE,
      serviceToken: provider.serviceToken,
      serviceTimeout: Duration.hours(1),
      removalPolicy: props.removalPolicy,
      properties: { ...renderProperties(scope, artifactKey, props), Tags: tags.renderedTags },
    });
    this.cdkTagManager = tags;
    this.artifactPattern = artifact.kind === 'inPlace' ? artifactKey : `${artifactPrefix}*`;
    this.artifactKey = artifactKey;
    const policy = new ImageBuilderPolicy(scope, policyId(scope, props), {
      ...props, builder: provider.role, artifactPrefix,
    });
    allowBuild(buildPrincipal, { ...props, artifactKey });
    this.node.addDependency(provider, policy, ...buildPrincipal.dependables, props.artifactBucket, props.logGroup);
  }
}

/**
 * With the name in it, and a bucket of the user's: where one of them changes, the old policy stays until the old image, or what is in the
 * old bucket, has been deleted. Not `BuilderPolicy`: deployed stacks have an inline policy of that id, and CloudFormation refuses another
 * type under it.
 */
function policyId(scope: Construct, { imageName, userBucket }: ImageResourceProps): string {
  const parts = ['BuilderRights'];
  if (!Token.isUnresolved(imageName)) parts.push(imageName);
  if (userBucket !== undefined) parts.push(fingerprintOf(scope, userBucket.bucketName).slice(0, 8));
  return parts.join('-');
}

function renderProperties(
  scope: Construct, artifactKey: string, props: ImageResourceProps,
): Omit<ImageResourceProperties, 'ServiceToken' | 'Tags'> {
  return {
    ImageName: props.imageName,
    Description: props.description,
    BaseImageArn: baseImageArn(scope),
    BaseImageVersion: props.baseImageVersion,
    BuildRoleArn: props.buildRole.roleRef.roleArn,
    ...renderSource(props.artifact),
    ArtifactBucket: props.artifactBucket.bucketName,
    ArtifactKey: artifactKey,
    MemoryMib: props.memoryMib,
    EgressConnectorArns: props.egressConnectorArns,
    LogGroupName: props.logGroup.logGroupName,
    Environment: props.environment,
    Hooks: props.hooks,
    OsCapabilities: props.osCapabilities,
    RetainVersions: props.retainVersions,
  };
}

type SourceProperties = Pick<
  ImageResourceProperties, 'SourceBucket' | 'SourceKey' | 'SourceObjectVersion' | 'SourceDockerfile'
>;

function renderSource(artifact: Artifact): SourceProperties {
  switch (artifact.kind) {
    case 'copied':
      return {
        SourceBucket: artifact.bucket.bucketName,
        SourceKey: artifact.key,
        SourceObjectVersion: artifact.objectVersion,
      };
    case 'dockerfile':
      return { SourceDockerfile: artifact.text };
    case 'inPlace':
      return {};
  }
}

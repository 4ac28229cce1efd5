import type { RemovalPolicy } from 'aws-cdk-lib';
import { CustomResource, Duration, Token } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { grantBuild } from './build-role';
import { ImageBuilderPolicy } from './image-builder-policy';
import { ImageBuilderProvider } from './image-builder-provider';
import { baseImageArn } from './microvm-arns';
import type { ImageHooksProperties, ImageResourceProperties } from '../contract/image';
import { IMAGE_RESOURCE_TYPE } from '../contract/image';
import type { MemorySize } from '../memory-size';

export interface ImageResourceProps {
  readonly imageName: string;
  readonly description?: string;
  readonly source: s3Assets.Asset;
  readonly artifactBucket: s3.IBucket;
  readonly buildRole: iam.IRole;
  readonly logGroup: logs.ILogGroup;
  readonly memory: MemorySize;
  readonly egressConnectorArns: string[];
  readonly environment: Record<string, string>;
  readonly hooks?: ImageHooksProperties;
  readonly removalPolicy: RemovalPolicy;
}

// The service wants the bare major and refuses the `1.0` that it answers with.
const BASE_IMAGE_VERSION = '1';

/** The custom resource behind an image, with what its builder and its build may do. */
export class ImageResource extends CustomResource {
  constructor(scope: Construct, id: string, props: ImageResourceProps) {
    const provider = ImageBuilderProvider.of(scope);
    provider.admit(scope);
    const artifactPrefix = `${props.imageName}/`;
    const artifactKey = `${artifactPrefix}${props.source.assetHash}.zip`;
    super(scope, id, {
      resourceType: IMAGE_RESOURCE_TYPE,
      serviceToken: provider.serviceToken,
      serviceTimeout: Duration.hours(1),
      removalPolicy: props.removalPolicy,
      properties: renderProperties(scope, artifactKey, props),
    });
    const policy = new ImageBuilderPolicy(scope, policyId(props.imageName), {
      ...props, builder: provider.role, artifactPrefix,
    });
    const build = grantBuild(props.buildRole, { ...props, artifactKey });
    this.node.addDependency(provider, policy, ...build, props.buildRole, props.artifactBucket, props.logGroup);
  }
}

/** With the name in it: a new name makes a new policy, and the old one stays until the old image has been deleted. */
function policyId(imageName: string): string {
  return Token.isUnresolved(imageName) ? 'BuilderPolicy' : `BuilderPolicy-${imageName}`;
}

function renderProperties(
  scope: Construct, artifactKey: string, props: ImageResourceProps,
): Omit<ImageResourceProperties, 'ServiceToken'> {
  return {
    ImageName: props.imageName,
    Description: props.description,
    BaseImageArn: baseImageArn(scope),
    BaseImageVersion: BASE_IMAGE_VERSION,
    BuildRoleArn: props.buildRole.roleArn,
    SourceBucket: props.source.s3BucketName,
    SourceKey: props.source.s3ObjectKey,
    ArtifactBucket: props.artifactBucket.bucketName,
    ArtifactKey: artifactKey,
    MemoryMib: props.memory._render(),
    EgressConnectorArns: props.egressConnectorArns,
    LogGroupName: props.logGroup.logGroupName,
    Environment: props.environment,
    Hooks: props.hooks,
    OsCapabilities: [],
    RetainVersions: '1',
  };
}

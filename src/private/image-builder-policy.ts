import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Artifact } from './bound-source';
import { baseImageArn, imageArn } from './microvm-arns';
import { acknowledgeWildcard, OWN_PREFIX } from './nag-suppressions';

export interface ImageBuilderPolicyProps {
  readonly builder: iam.IRole;
  readonly imageName: string;
  readonly buildRole: iam.IRoleRef;
  readonly artifact: Artifact;
  readonly artifactBucket: s3.IBucket;
  /** The artifact bucket, if it is the user's. */
  readonly userBucket?: s3.IBucket;
  /** Key prefix of this image's artifacts. */
  readonly artifactPrefix: string;
  readonly egressConnectorArns: string[];
  readonly logGroup: logs.ILogGroup;
}

/**
 * What the image-builder may do for one image.
 *
 * A policy of its own: when an image leaves the stack, CloudFormation deletes the image first and what it depends on after it. In a
 * policy shared by all images the right to delete would be gone before the delete. A managed one: IAM counts a role's inline policies
 * together, and stops at 10 240 characters.
 */
export class ImageBuilderPolicy extends iam.ManagedPolicy {
  constructor(scope: Construct, id: string, props: ImageBuilderPolicyProps) {
    super(scope, id, {
      description: `What the image-builder may do for ${scope.node.path}`.slice(0, 1000),
      roles: [props.builder],
      statements: [...imageStatements(scope, props), ...sourceStatements(props), ...artifactStatements(props)],
    });
    allowKeys(props);
    acknowledgeWildcard(this, props.artifactBucket.arnForObjects(`${props.artifactPrefix}*`), OWN_PREFIX);
  }
}

function imageStatements(scope: Construct, props: ImageBuilderPolicyProps): iam.PolicyStatement[] {
  return [
    // A version has no ARN of its own: the service authorizes what is done to it, and to the microVMs of it, on the image.
    new iam.PolicyStatement({
      actions: [
        'lambda:GetMicrovmImage', 'lambda:UpdateMicrovmImage', 'lambda:DeleteMicrovmImage', 'lambda:TagResource', 'lambda:UntagResource',
        'lambda:GetMicrovmImageVersion', 'lambda:ListMicrovmImageVersions', 'lambda:UpdateMicrovmImageVersion',
        'lambda:DeleteMicrovmImageVersion', 'lambda:ListMicrovmImageBuilds', 'lambda:GetMicrovmImageBuild', 'lambda:TerminateMicrovm',
      ],
      resources: [imageArn(scope, props.imageName)],
    }),
    new iam.PolicyStatement({ actions: ['lambda:ListManagedMicrovmImageVersions'], resources: [baseImageArn(scope)] }),
    // Seen checked on each connector's ARN, those that the service owns too.
    new iam.PolicyStatement({ actions: ['lambda:PassNetworkConnector'], resources: props.egressConnectorArns }),
    // No iam:PassedToService condition: with it the call was seen denied in the field, for build and execution roles.
    new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: [props.buildRole.roleRef.roleArn] }),
    // A build that fails is explained with the last lines of its log.
    new iam.PolicyStatement({ actions: ['logs:FilterLogEvents'], resources: [props.logGroup.logGroupArn] }),
  ];
}

function sourceStatements({ artifact }: ImageBuilderPolicyProps): iam.PolicyStatement[] {
  if (artifact.kind === 'dockerfile') return [];
  // S3 has an action of its own for reads that name a version.
  const versioned = artifact.kind === 'copied' && artifact.objectVersion !== undefined;
  return [new iam.PolicyStatement({
    actions: [versioned ? 's3:GetObjectVersion' : 's3:GetObject'],
    resources: [artifact.bucket.arnForObjects(artifact.key)],
  })];
}

/**
 * What lies in the image's folder is the builder's to write and to delete; an artifact that is used in place is not. The shared bucket
 * lets it delete by its own policy.
 */
function artifactStatements(props: ImageBuilderPolicyProps): iam.PolicyStatement[] {
  const { artifact, artifactBucket, artifactPrefix, userBucket } = props;
  if (artifact.kind === 'inPlace') return [];
  const written = new iam.PolicyStatement({
    actions: ['s3:GetObject', 's3:PutObject'],
    resources: [artifactBucket.arnForObjects(`${artifactPrefix}*`)],
  });
  if (userBucket === undefined) return [written];
  written.addActions('s3:DeleteObject');
  return [
    written,
    new iam.PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [artifactBucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${artifactPrefix}*` } },
    }),
  ];
}

/** On the role itself and not in the image's policy: a key may be the same for all images. */
function allowKeys({ artifact, artifactBucket, builder }: ImageBuilderPolicyProps): void {
  if (artifact.kind === 'copied') artifact.bucket.encryptionKey?.grant(builder, 'kms:Decrypt');
  // S3 asks for both when it writes, and for the first when it reads, on behalf of the caller.
  artifactBucket.encryptionKey?.grant(builder, 'kms:Decrypt', 'kms:GenerateDataKey');
}

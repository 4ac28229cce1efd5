import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { imageArn } from './microvm-arns';
import { acknowledge, acknowledgeWildcard, INLINE_POLICY, OWN_PREFIX } from './nag-suppressions';

export interface ImageBuilderPolicyProps {
  readonly builder: iam.IRole;
  readonly imageName: string;
  readonly buildRole: iam.IRole;
  readonly source: s3Assets.Asset;
  readonly artifactBucket: s3.IBucket;
  /** Key prefix of this image's artifacts. */
  readonly artifactPrefix: string;
  readonly egressConnectorArns: string[];
}

/**
 * What the image-builder may do for one image.
 *
 * A policy of its own: when an image leaves the stack, CloudFormation deletes the image first and what it depends on after it. In a
 * policy shared by all images the right to delete would be gone before the delete.
 */
export class ImageBuilderPolicy extends iam.Policy {
  constructor(scope: Construct, id: string, props: ImageBuilderPolicyProps) {
    super(scope, id, {
      roles: [props.builder],
      statements: [...imageStatements(scope, props), ...artifactStatements(props)],
    });
    acknowledge(this, INLINE_POLICY);
    acknowledgeWildcard(this, props.artifactBucket.arnForObjects(`${props.artifactPrefix}*`), OWN_PREFIX);
    props.artifactBucket.encryptionKey?.grantEncryptDecrypt(props.builder);
  }
}

function imageStatements(scope: Construct, props: ImageBuilderPolicyProps): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: [
        'lambda:GetMicrovmImage', 'lambda:UpdateMicrovmImage', 'lambda:DeleteMicrovmImage', 'lambda:TagResource',
        'lambda:GetMicrovmImageVersion', 'lambda:ListMicrovmImageVersions', 'lambda:ListMicrovmImageBuilds', 'lambda:TerminateMicrovm',
      ],
      resources: [imageArn(scope, props.imageName)],
    }),
    new iam.PolicyStatement({ actions: ['lambda:PassNetworkConnector'], resources: props.egressConnectorArns }),
    // No iam:PassedToService condition: the service denies the call with it.
    new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: [props.buildRole.roleArn] }),
  ];
}

function artifactStatements(props: ImageBuilderPolicyProps): iam.PolicyStatement[] {
  const { source, artifactBucket, artifactPrefix } = props;
  return [
    new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [source.bucket.arnForObjects(source.s3ObjectKey)] }),
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      resources: [artifactBucket.arnForObjects(`${artifactPrefix}*`)],
    }),
    new iam.PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [artifactBucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${artifactPrefix}*` } },
    }),
  ];
}

import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct, IDependable } from 'constructs';
import { acknowledge, INLINE_POLICY } from './nag-suppressions';

export interface BuildGrantsProps {
  readonly artifactBucket: s3.IBucket;
  readonly artifactKey: string;
  readonly logGroup: logs.ILogGroup;
}

/** The role that the platform builds an image with. */
export function createBuildRole(scope: Construct, id: string): iam.Role {
  // Without the right to tag its session the build has no credentials and no log. A condition on aws:SourceArn fails in the field.
  const lambda = new iam.ServicePrincipal('lambda.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  });
  const role = new iam.Role(scope, id, {
    assumedBy: lambda.withSessionTags(),
    description: `Builds the MicroVM image ${scope.node.path}`.slice(0, 1000),
  });
  acknowledge(role, INLINE_POLICY);
  return role;
}

/** What the build needs, and what to wait for before it starts. */
export function grantBuild(role: iam.IRole, props: BuildGrantsProps): IDependable[] {
  const { artifactBucket, artifactKey, logGroup } = props;
  artifactBucket.encryptionKey?.grantDecrypt(role);
  return [
    iam.Grant.addToPrincipal({
      grantee: role, actions: ['s3:GetObject'], resourceArns: [artifactBucket.arnForObjects(artifactKey)],
    }),
    iam.Grant.addToPrincipal({
      grantee: role, actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resourceArns: [logGroup.logGroupArn],
    }),
  ];
}

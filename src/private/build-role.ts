import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Artifact } from './bound-source';
import { acknowledge, acknowledgeWildcard, INLINE_POLICY, REGISTRY_LOGIN } from './nag-suppressions';
import type { RolePrincipal } from './role-principal';
import { microvmPlatform } from './trust';
import type { TrustCondition } from '../trust-condition';

export interface BuildGrantsProps {
  readonly artifact: Artifact;
  readonly artifactBucket: s3.IBucket;
  readonly artifactKey: string;
  readonly logGroup: logs.ILogGroup;
}

export interface BuildRoleProps {
  readonly trustCondition?: TrustCondition;
  /** Whether the build pulls from a repository of the account. */
  readonly pulls: boolean;
}

/** The role that the platform builds an image with. */
export function createBuildRole(scope: Construct, id: string, { trustCondition, pulls }: BuildRoleProps): iam.Role {
  const role = new iam.Role(scope, id, {
    assumedBy: microvmPlatform(scope, trustCondition),
    description: `Builds the MicroVM image ${scope.node.path}`.slice(0, 1000),
  });
  acknowledge(role, INLINE_POLICY);
  if (pulls) acknowledgeWildcard(role, '*', REGISTRY_LOGIN);
  return role;
}

/** What the build needs. */
export function allowBuild(role: RolePrincipal, props: BuildGrantsProps): void {
  const { artifact, artifactBucket, artifactKey, logGroup } = props;
  artifactBucket.encryptionKey?.grant(role, 'kms:Decrypt');
  // One object: the role is used by whatever the Dockerfile runs.
  role.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['s3:GetObject'], resources: [artifactBucket.arnForObjects(artifactKey)],
  }));
  // Without them a build that fails leaves no word behind. The group is there: no right to create one.
  role.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn],
  }));
  if (artifact.kind === 'dockerfile') artifact.grantPull(role);
}

/** A pipeline's artifacts have other keys than the template's. */
export function allowArtifactsOf(role: RolePrincipal, bucket: s3.IBucket, keyPattern: string): void {
  role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects(keyPattern)] }));
}

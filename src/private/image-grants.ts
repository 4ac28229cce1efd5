import * as iam from 'aws-cdk-lib/aws-iam';
import type { SandboxImage } from '../sandbox-image';

export interface BuildGrant {
  readonly image: SandboxImage;
  /** Predictable: whoever is granted need not wait for the image. */
  readonly imageArn: string;
  readonly artifactPattern: string;
  readonly egressConnectorArns: string[];
}

/** What a pipeline needs to build and publish a version of the image by itself. */
export function grantBuildOf(grantee: iam.IGrantable, grant: BuildGrant): iam.Grant {
  const { image, imageArn, artifactPattern, egressConnectorArns } = grant;
  const { artifactBucket, buildRole, logGroup } = image;
  artifactBucket.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
  const grants: [actions: string[], resourceArns: string[]][] = [
    // TagResource: pools that follow the image start the version that its tag names.
    [[
      'lambda:GetMicrovmImage', 'lambda:UpdateMicrovmImage', 'lambda:TagResource', 'lambda:GetMicrovmImageVersion',
      'lambda:ListMicrovmImageVersions', 'lambda:UpdateMicrovmImageVersion', 'lambda:ListMicrovmImageBuilds', 'lambda:GetMicrovmImageBuild',
    ], [imageArn]],
    // Seen checked on each connector's ARN, those that the service owns too.
    [['lambda:PassNetworkConnector'], egressConnectorArns],
    // No iam:PassedToService condition: with it the call was seen denied in the field, for build and execution roles.
    [['iam:PassRole'], [buildRole.roleRef.roleArn]],
    [['s3:PutObject'], [artifactBucket.arnForObjects(artifactPattern)]],
    [['logs:FilterLogEvents', 'logs:GetLogEvents', 'logs:DescribeLogStreams'], [logGroup.logGroupArn]],
  ];
  return grants
    .map(([actions, resourceArns]) => iam.Grant.addToPrincipal({ grantee, actions, resourceArns }))
    .reduce((one, other) => one.combine(other));
}

import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { anyMicrovmArn } from './microvm-arns';

/** What a pool starts microVMs with. */
export interface MicrovmStart {
  readonly imageArn: string;
  /** Where it is known before the deployment. */
  readonly imageName?: string;
  readonly ingressConnectorArns: string[];
  readonly egressConnectorArns: string[];
  readonly executionRoleArn?: string;
}

/** Start microVMs of this image, on these networks, as this role, and nothing else. */
export function startStatements(start: MicrovmStart): iam.PolicyStatement[] {
  const statements = [
    // Checked on the image's ARN without a version.
    new iam.PolicyStatement({ actions: ['lambda:RunMicrovm'], resources: [start.imageArn] }),
    // Seen checked on each connector's ARN, those of the platform too; the authorization reference has no resource for it.
    new iam.PolicyStatement({
      actions: ['lambda:PassNetworkConnector'],
      resources: [...start.ingressConnectorArns, ...start.egressConnectorArns],
    }),
  ];
  if (start.executionRoleArn !== undefined) {
    // No iam:PassedToService condition: with it the call was seen denied in the field, for build and execution roles.
    statements.push(new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: [start.executionRoleArn] }));
  }
  return statements;
}

/** Calls on microVMs that run. */
export function microvmStatement(scope: Construct, imageArn: string, actions: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources: [imageArn, anyMicrovmArn(scope)] });
}

import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { anyMicrovmArn } from './microvm-arns';

/** What a pool starts microVMs with. */
export interface MicrovmStart {
  readonly imageArn: string;
  readonly ingressConnectorArns: string[];
  readonly egressConnectorArns: string[];
  readonly executionRole?: iam.IRole;
}

/** Start microVMs of this image, on these networks, as this role, and nothing else. */
export function startStatements(start: MicrovmStart): iam.PolicyStatement[] {
  const statements = [
    new iam.PolicyStatement({ actions: ['lambda:RunMicrovm'], resources: [start.imageArn] }),
    new iam.PolicyStatement({
      actions: ['lambda:PassNetworkConnector'],
      resources: [...start.ingressConnectorArns, ...start.egressConnectorArns],
    }),
  ];
  if (start.executionRole !== undefined) {
    // No iam:PassedToService condition: the service denies the call with it.
    statements.push(new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: [start.executionRole.roleArn] }));
  }
  return statements;
}

/** Calls on microVMs that run. */
export function microvmStatement(scope: Construct, imageArn: string, actions: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources: [imageArn, anyMicrovmArn(scope)] });
}

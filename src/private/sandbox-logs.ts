import { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeLogGroup } from './nag-suppressions';
import { RolePrincipal } from './role-principal';

export interface SandboxLogsProps {
  /** What the microVMs run as: the platform writes their output as this role. */
  readonly executionRole: iam.IRoleRef;
  readonly retention: logs.RetentionDays;
  readonly encryptionKey?: kms.IKey;
}

/** Where the output of sandboxes goes, with their role's right to write there. */
export function createSandboxLogs(scope: Construct, props: SandboxLogsProps): logs.LogGroup {
  const { executionRole, retention, encryptionKey } = props;
  const logGroup = new logs.LogGroup(scope, 'SandboxLogs', {
    retention, encryptionKey, removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledgeLogGroup(logGroup);
  const role = new RolePrincipal(scope, executionRole, 'ExecutionRolePolicy');
  // Without them the output of sandboxes is lost.
  role.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn],
  }));
  role.warnOfRefused({ id: 'executionRoleNotChanged', prop: 'executionRole' });
  return logGroup;
}

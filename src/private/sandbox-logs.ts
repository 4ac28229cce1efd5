import { Annotations, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { Dependable } from 'constructs';

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
  const role = isRole(executionRole) ? executionRole : iam.Role.fromRoleName(scope, 'ExecutionRole', executionRole.roleRef.roleName);
  const statement = new iam.PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn],
  });
  if (!isAdded(role, role.addToPrincipalPolicy(statement))) warn(scope, statement);
  return logGroup;
}

function isRole(role: iam.IRoleRef): role is iam.IRole {
  return 'addToPrincipalPolicy' in role;
}

/** A role that takes no policies answers that it took one; but there is nothing to wait for. A role of the app's tells that later only. */
function isAdded(role: iam.IRole, { statementAdded, policyDependable }: iam.AddToPrincipalPolicyResult): boolean {
  if (!statementAdded || policyDependable === undefined) return false;
  return iam.Role.isRole(role) || Dependable.of(policyDependable).dependencyRoots.length > 0;
}

function warn(scope: Construct, statement: iam.PolicyStatement): void {
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:executionRoleNotChanged',
    'executionRole: the rights of this role cannot be changed from here, and without this one the output of sandboxes is lost: '
    + JSON.stringify(Stack.of(scope).resolve(statement.toStatementJson())),
  );
}

import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { microvmStatement } from './microvm-statements';
import { tableKeyStatement } from './pool-function';

/** What operators of a pool look at and act on. */
export interface ManagedPool {
  readonly scope: Construct;
  readonly imageArn: string;
  readonly table: dynamodb.ITable;
  readonly allocatorArn: string;
  readonly logGroups: logs.ILogGroup[];
  readonly encryptionKey?: kms.IKeyRef;
  readonly shellAccess: boolean;
}

/** Grants what operators of a pool need, statement by statement. */
export function grantManage(pool: ManagedPool, grantee: iam.IGrantable): iam.Grant {
  return manageStatements(pool)
    .map(({ actions, resources, conditions }) => (
      iam.Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions })
    ))
    .reduce((all, grant) => all.combine(grant));
}

function manageStatements(pool: ManagedPool): iam.PolicyStatement[] {
  const { scope, imageArn, table, encryptionKey } = pool;
  const statements = [
    // The list of sandboxes. It holds the secrets of their daemons.
    new iam.PolicyStatement({ actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [table.tableArn] }),
    microvmStatement(scope, imageArn, ['lambda:GetMicrovm', 'lambda:SuspendMicrovm', 'lambda:ResumeMicrovm', 'lambda:TerminateMicrovm']),
    // The service knows no resource for it.
    new iam.PolicyStatement({ actions: ['lambda:ListMicrovms'], resources: ['*'] }),
    // Everything that a user of the pool may do.
    new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [pool.allocatorArn] }),
    new iam.PolicyStatement({
      actions: ['logs:DescribeLogStreams', 'logs:FilterLogEvents', 'logs:GetLogEvents'],
      resources: pool.logGroups.map(({ logGroupArn }) => logGroupArn),
    }),
  ];
  if (pool.shellAccess) statements.push(new iam.PolicyStatement({ actions: ['lambda:CreateMicrovmShellAuthToken'], resources: [imageArn] }));
  if (encryptionKey !== undefined) statements.push(tableKeyStatement(table, encryptionKey, ['kms:Decrypt', 'kms:DescribeKey']));
  return statements;
}

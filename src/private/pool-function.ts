import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { MicrovmStart } from './microvm-statements';

/** What the allocator and the keeper of a pool get. */
export interface PoolFunctionProps {
  /** JSON for the functions' environment. */
  readonly configuration: string;
  readonly table: dynamodb.ITable;
  readonly start: MicrovmStart;
  readonly logRetention: logs.RetentionDays;
}

/** Calls on the pool's items. A transaction needs the rights of the writes in it. */
export function tableStatement(table: dynamodb.ITable, actions: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources: [table.tableArn] });
}

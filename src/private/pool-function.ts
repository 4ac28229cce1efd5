import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { handlerRole } from './handler-role';
import type { MicrovmStart } from './microvm-statements';
import { acknowledgeLogGroup } from './nag-suppressions';

/** What the allocator and the keeper of a pool get. */
export interface PoolFunctionProps {
  /** JSON for the functions' environment. */
  readonly configuration: string;
  readonly table: dynamodb.ITable;
  readonly start: MicrovmStart;
  readonly logRetention: logs.RetentionDays;
  readonly encryptionKey?: kms.IKey;
}

/** A log group and a role for a function of a pool, beside it. */
export function poolFunctionSurroundings(scope: Construct, id: string, props: PoolFunctionProps) {
  const logGroup = new logs.LogGroup(scope, `${id}Logs`, {
    retention: props.logRetention, encryptionKey: props.encryptionKey, removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledgeLogGroup(logGroup);
  return { logGroup, role: handlerRole(scope, `${id}Role`, logGroup) };
}

/** Calls on the pool's items. A transaction needs the rights of the writes in it. */
export function tableStatements({ table, encryptionKey }: PoolFunctionProps, actions: string[]): iam.PolicyStatement[] {
  const statements = [new iam.PolicyStatement({ actions, resources: [table.tableArn] })];
  if (encryptionKey !== undefined) statements.push(tableKeyStatement(table, encryptionKey, READ_AND_WRITE));
  return statements;
}

/** DynamoDB uses a customer's key in the name of its caller. Of what its guide lists, kms:CreateGrant is for whoever makes the table. */
const READ_AND_WRITE = [
  'kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom', 'kms:ReEncryptTo',
];

/** Use of a table's key through DynamoDB only. */
export function tableKeyStatement(table: dynamodb.ITable, key: kms.IKeyRef, actions: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions,
    resources: [key.keyRef.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(table).region}.amazonaws.com` } },
  });
}

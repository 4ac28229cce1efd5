import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { acknowledge, LIST_OF_SANDBOXES } from './nag-suppressions';
import { POOL_TABLE } from '../contract/pool';

export interface PoolTableProps {
  readonly removalPolicy?: RemovalPolicy;
  readonly encryptionKey?: kms.IKey;
}

/** The list of sandboxes: paid by use, and it forgets by itself. */
export function createPoolTable(scope: Construct, id: string, props: PoolTableProps): dynamodb.Table {
  const { removalPolicy, encryptionKey } = props;
  const table = new dynamodb.Table(scope, id, {
    partitionKey: { name: POOL_TABLE.partitionKey, type: dynamodb.AttributeType.STRING },
    sortKey: { name: POOL_TABLE.sortKey, type: dynamodb.AttributeType.STRING },
    timeToLiveAttribute: POOL_TABLE.timeToLive,
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    removalPolicy: removalPolicy ?? RemovalPolicy.DESTROY,
    ...(encryptionKey !== undefined && { encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
  });
  acknowledge(table, LIST_OF_SANDBOXES);
  return table;
}

import type { ApiCall, ApiResponse } from '../api';
import { protocolError } from '../protocol-error';
import { CONDITION_FAILED, CONDITION_FAILED_REASON, tableName, transactionCanceled } from '../services/dynamodb/transaction';
import { ServiceError } from '../services/service-error';

type Json = Record<string, unknown>;

/** Runs an operation of DynamoDB. */
export type CallDynamoDb = (operation: string, input: Json) => Promise<Json>;

export const CONDITIONAL_OPERATIONS = ['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'];

const ACTIONS = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const;

/** True for a call with a write under a condition, of this table if one is named. */
export function isConditionalWrite({ service, operation, request }: ApiCall, table: string | undefined): boolean {
  if (service !== 'dynamodb' || !CONDITIONAL_OPERATIONS.includes(operation)) return false;
  return writesOf(operation, parse(request.body)).some((write) => isConditional(write, table));
}

/** What DynamoDB says if another writer was faster: the condition does not hold. The item comes along where it was asked for. */
export async function conditionFailed(
  { service, operation, request }: ApiCall,
  table: string | undefined,
  call: CallDynamoDb,
): Promise<ApiResponse> {
  const writes = writesOf(operation, parse(request.body));
  if (operation !== 'TransactWriteItems') {
    return protocolError(service, new ServiceError('ConditionalCheckFailedException', CONDITION_FAILED, 400, await itemOf(writes[0], call)));
  }
  const reasons = await Promise.all(writes.map(async (write) => {
    return isConditional(write, table) ? { ...CONDITION_FAILED_REASON, ...await itemOf(write, call) } : { Code: 'None' };
  }));
  return protocolError(service, transactionCanceled(reasons));
}

/** The writes of a request. Nothing can be relied on: the service itself has not looked at it yet. */
function writesOf(operation: string, input: Json): Json[] {
  if (operation !== 'TransactWriteItems') return [input];
  const items = Array.isArray(input.TransactItems) ? input.TransactItems as Json[] : [];
  const actionOf = (item: Json): unknown => ACTIONS.map((action) => item?.[action]).find((action) => action);
  return items.map((item) => (actionOf(item) ?? {}) as Json);
}

/** True for a write under a condition, of this table if one is named. */
function isConditional(write: Json, table: string | undefined): boolean {
  const conditional = write.ConditionExpression !== undefined || write.Expected !== undefined;
  return conditional && (table ?? tableName(write.TableName)) === tableName(write.TableName);
}

async function itemOf(write: Json, call: CallDynamoDb): Promise<Json> {
  if (write.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD') return {};
  const TableName = tableName(write.TableName);
  const source = (write.Key ?? write.Item) as Json;
  try {
    const { Table } = await call('DescribeTable', { TableName });
    const { KeySchema } = Table as { KeySchema: { AttributeName: string }[] };
    const Key = Object.fromEntries(KeySchema.map(({ AttributeName: name }) => [name, source[name]]));
    const { Item } = await call('GetItem', { TableName, Key, ConsistentRead: true });
    return Item ? { Item } : {};
  } catch {
    // The request is a wrong one, and would have been refused for that.
    return {};
  }
}

function parse(body: Buffer): Json {
  try {
    return (JSON.parse(body.toString()) ?? {}) as Json;
  } catch {
    return {};
  }
}

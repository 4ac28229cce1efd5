import { ServiceError } from '../service-error';
import type { DynaliteStore, Json } from './dynalite-store';

const MAX_ACTIONS = 100;
const KINDS = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const;
type Kind = (typeof KINDS)[number];

export interface TransactionAction {
  readonly kind: Kind;
  readonly table: string;
  readonly key: Json;
  readonly input: Json;
}

/** Why an action of a transaction did not take place; `None` where it could have. */
export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: unknown;
}

/** What DynamoDB says of a condition that does not hold. */
export const CONDITION_FAILED = 'The conditional request failed';

export const CONDITION_FAILED_REASON: CancellationReason = { Code: 'ConditionalCheckFailed', Message: CONDITION_FAILED };

/** What a transaction answers that one of its actions stopped. */
export function transactionCanceled(reasons: readonly CancellationReason[]): ServiceError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new ServiceError('TransactionCanceledException', message, 400, { Message: message, CancellationReasons: reasons });
}

/** Which attributes are a table's key. */
export type KeyNames = (table: string) => readonly string[];

/** The reads of a TransactGetItems. */
export function parseGets(input: Json): Json[] {
  return transactItems(input).map(({ Get }) => {
    if (!Get) throw invalid('TransactItems can only contain Get');
    const get = Get as Json;
    return { ...get, TableName: tableName(get.TableName) };
  });
}

/** A table may be named by its ARN. What is no text names none: neither here nor where the call is authorised. */
export function tableName(nameOrArn: unknown): string {
  return typeof nameOrArn === 'string' ? nameOrArn.split(':table/').at(-1) ?? '' : '';
}

function transactItems({ TransactItems: items }: Json): Json[] {
  if (Array.isArray(items) && items.length > 0 && items.length <= MAX_ACTIONS) return items as Json[];
  throw invalid(`Member must have length between 1 and ${MAX_ACTIONS}: transactItems`);
}

/** The actions of a TransactWriteItems, each with the key of its item. */
export function parseActions(input: Json, keyNames: KeyNames): TransactionAction[] {
  const actions = transactItems(input).map((item) => parseAction(item, keyNames));
  const targets = new Set(actions.map(({ table, key }) => JSON.stringify([table, key])));
  if (targets.size < actions.length) throw invalid('Transaction request cannot include multiple operations on one item');
  return actions;
}

function parseAction(item: Json, keyNames: KeyNames): TransactionAction {
  const kinds = KINDS.filter((kind) => item[kind]);
  if (kinds.length !== 1) {
    throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  }
  const [kind] = kinds;
  const input = item[kind] as Json;
  const table = tableName(input.TableName);
  const source = (kind === 'Put' ? input.Item : input.Key) as Json | undefined;
  const names = keyNames(table);
  if (!names.every((name) => source?.[name])) throw invalid('One or more parameter values were invalid: Missing the key in the item');
  if (kind === 'ConditionCheck' && !input.ConditionExpression) throw invalid('The expression can not be empty: ConditionExpression');
  const key = Object.fromEntries(names.map((name) => [name, source?.[name]]));
  return { kind, table, key, input: { ...input, TableName: table } };
}

/**
 * Tries every action on a copy of its item in `scratch`, where the expressions are evaluated for real, and then writes all results or
 * none. The caller holds the tables. Throws TransactionCanceledException with a reason for each action.
 */
export async function runTransaction(
  actions: readonly TransactionAction[],
  store: DynaliteStore,
  scratch: DynaliteStore,
): Promise<void> {
  const reasons: CancellationReason[] = [];
  const results: (Json | undefined)[] = [];
  for (const action of actions) {
    const outcome = await tryAction(action, store, scratch);
    reasons.push(outcome.reason);
    results.push(outcome.result);
  }
  if (reasons.some(({ Code }) => Code !== 'None')) throw transactionCanceled(reasons);
  for (const [index, { kind, table, key }] of actions.entries()) {
    const result = results[index];
    if (kind === 'ConditionCheck') continue;
    if (result) await store.call('PutItem', { TableName: table, Item: result });
    else await store.call('DeleteItem', { TableName: table, Key: key });
  }
}

async function tryAction(
  action: TransactionAction,
  store: DynaliteStore,
  scratch: DynaliteStore,
): Promise<{ reason: CancellationReason; result?: Json }> {
  const { table: TableName, key: Key, input } = action;
  const { Item: before } = await store.call('GetItem', { TableName, Key, ConsistentRead: true });
  try {
    if (before) await scratch.call('PutItem', { TableName, Item: before });
    const { ReturnValuesOnConditionCheckFailure, ...rest } = input;
    try {
      await scratch.call(action.kind === 'ConditionCheck' ? 'UpdateItem' : `${action.kind}Item`, rest);
    } catch (error) {
      const wanted = ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && before ? { Item: before } : {};
      return { reason: { ...reasonOf(error), ...wanted } };
    }
    const { Item: result } = await scratch.call('GetItem', { TableName, Key, ConsistentRead: true });
    return { reason: { Code: 'None' }, result: result as Json | undefined };
  } finally {
    await scratch.call('DeleteItem', { TableName, Key });
  }
}

/** Validation errors that depend on the item; the others refuse the whole request, as DynamoDB does. */
const ITEM_ERRORS = /incorrect data type|does not exist in the item|invalid for update|exceeded the maximum allowed size/i;

function reasonOf(error: unknown): CancellationReason {
  if (!(error instanceof ServiceError)) throw error;
  if (error.code === 'ConditionalCheckFailedException') return CONDITION_FAILED_REASON;
  if (error.code === 'ValidationException' && ITEM_ERRORS.test(error.message)) return { Code: 'ValidationError', Message: error.message };
  throw error;
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

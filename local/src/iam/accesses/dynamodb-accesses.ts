import type { Access } from '../authorization';
import type { AccessCall, Members } from './access-sources';
import { asList, asMembers, asString, bodyOf } from './access-sources';

/** The actions that the parts of a transaction are authorised as. */
const PARTS: Readonly<Record<string, string>> = {
  Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', ConditionCheck: 'ConditionCheckItem', Get: 'GetItem',
};

const ON_EVERYTHING = ['ListTables', 'DescribeLimits', 'DescribeEndpoints'];

/** The rights that an operation on tables needs. */
export async function dynamoDbAccesses(call: AccessCall): Promise<Access[]> {
  const { operation, request } = call;
  const body = bodyOf(request);
  if (ON_EVERYTHING.includes(operation)) return [{ action: `dynamodb:${operation}`, resource: '*' }];
  if (operation.startsWith('Transact')) return transaction(call, body);
  if (operation.startsWith('Batch')) return batch(call, body);
  return [await onTable(call, operation, body)];
}

async function transaction(call: AccessCall, body: Members): Promise<Access[]> {
  const parts = asList(body.TransactItems).flatMap((item) => Object.entries(asMembers(item)));
  const accesses = parts.map(([kind, input]) => onTable(call, PARTS[kind] ?? kind, asMembers(input)));
  const context = { 'dynamodb:EnclosingOperation': call.operation };
  const all = await Promise.all(accesses);
  return merged(all.map((access) => ({ ...access, context: { ...access.context, ...context } })));
}

async function batch(call: AccessCall, body: Members): Promise<Access[]> {
  const tables = Object.entries(asMembers(body.RequestItems));
  return Promise.all(tables.map(async ([table, given]) => {
    const items = call.operation === 'BatchGetItem' ? asList(asMembers(given).Keys).map(asMembers) : asList(given).map(writtenItem);
    return { action: `dynamodb:${call.operation}`, resource: tableArn(call, table), context: await leadingKeys(call, table, items) };
  }));
}

function writtenItem(request: unknown): Members {
  const { PutRequest, DeleteRequest } = asMembers(request);
  return asMembers(asMembers(PutRequest).Item ?? asMembers(DeleteRequest).Key);
}

async function onTable(call: AccessCall, operation: string, input: Members): Promise<Access> {
  const table = asString(input.TableName);
  const index = asString(input.IndexName);
  const arn = tableArn(call, table);
  const given = asMembers(input.Key ?? input.Item);
  const context = operation === 'Query'
    ? await queriedKey(call, table, input)
    : await leadingKeys(call, table, Object.keys(given).length === 0 ? [] : [given]);
  return { action: `dynamodb:${operation}`, resource: index === '' ? arn : `${arn}/index/${index}`, context };
}

async function leadingKeys(
  { sources }: AccessCall, table: string, items: readonly Members[],
): Promise<Access['context']> {
  const name = items.length === 0 ? undefined : await sources.partitionKey(nameOf(table));
  if (name === undefined) return {};
  const values = items.map((item) => scalar(item[name])).filter((value) => value !== undefined);
  return values.length === 0 ? {} : { 'dynamodb:LeadingKeys': [...new Set(values)] };
}

/** The value that a key condition, in its old form or its new one, compares the partition key with. */
async function queriedKey({ sources }: AccessCall, table: string, input: Members): Promise<Access['context']> {
  const name = input.IndexName === undefined ? await sources.partitionKey(nameOf(table)) : undefined;
  const condition = name === undefined ? {} : asMembers(asMembers(input.KeyConditions)[name]);
  const [legacy] = asList(condition.AttributeValueList).map(scalar);
  if (legacy !== undefined) return { 'dynamodb:LeadingKeys': [legacy] };
  const names = asMembers(input.ExpressionAttributeNames);
  const comparisons = asString(input.KeyConditionExpression).matchAll(/([#\w]+)\s*=\s*(:\w+)/g);
  for (const [, left, right] of comparisons) {
    const values = asMembers(input.ExpressionAttributeValues);
    const value = (names[left] ?? left) === name ? scalar(values[right]) : undefined;
    if (value !== undefined) return { 'dynamodb:LeadingKeys': [value] };
  }
  return {};
}

/** A key's value is a string, a number or bytes. */
function scalar(attribute: unknown): string | undefined {
  const value = Object.values(asMembers(attribute))[0];
  return typeof value === 'string' ? value : undefined;
}

/** One question for the same right on the same items is enough. */
function merged(accesses: readonly Access[]): Access[] {
  return [...new Map(accesses.map((access) => [JSON.stringify(access), access])).values()];
}

function nameOf(table: string): string {
  return table.split(':table/').at(-1) ?? table;
}

/** Of the table that the service takes for this name: whatever ARN it is given, it has only those of this account. */
function tableArn({ sources: { region, account } }: AccessCall, table: string): string {
  return `arn:aws:dynamodb:${region}:${account}:table/${nameOf(table)}`;
}

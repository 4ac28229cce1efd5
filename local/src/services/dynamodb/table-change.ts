import { ServiceError } from '../service-error';
import type { Json } from './dynalite-store';

interface IndexUpdate {
  readonly Create?: Json;
  readonly Update?: Json;
  readonly Delete?: Json;
}

const CHANGEABLE = ['AttributeDefinitions', 'BillingMode', 'ProvisionedThroughput', 'GlobalSecondaryIndexUpdates'];

/** A table's definition as UpdateTable leaves it. Throws for what DynamoDB refuses, and for what is not emulated. */
export function changedDefinition(definition: Json, input: Json): Json {
  const { TableName, GlobalSecondaryIndexUpdates, ...changes } = input;
  const given = Object.keys(input).filter((member) => member !== 'TableName' && input[member] !== undefined);
  if (given.length === 0) throw invalid('At least one of ProvisionedThroughput, BillingMode, GlobalSecondaryIndexUpdates or AttributeDefinitions is required');
  const unknown = given.filter((member) => !CHANGEABLE.includes(member));
  if (unknown.length > 0) throw invalid(`the local cloud's UpdateTable changes only ${CHANGEABLE.join(', ')}; got ${unknown.join(', ')}`);
  const indexes = changedIndexes(asList(definition.GlobalSecondaryIndexes), asList(GlobalSecondaryIndexUpdates));
  const { GlobalSecondaryIndexes, ...rest } = { ...definition, ...changes };
  const attributes = [...asList(definition.AttributeDefinitions), ...asList(changes.AttributeDefinitions)];
  const changed = { ...rest, ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }) };
  return { ...withoutThroughput(changed), AttributeDefinitions: usedAttributes(changed, attributes) };
}

function changedIndexes(before: readonly Json[], updates: readonly IndexUpdate[]): readonly Json[] {
  const isOne = (update: IndexUpdate): boolean => update.Create !== undefined || update.Delete !== undefined;
  if (updates.filter(isOne).length > 1) {
    throw new ServiceError('LimitExceededException', 'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table');
  }
  return updates.reduce<readonly Json[]>((indexes, { Create, Update, Delete }) => {
    const name = (Create ?? Update ?? Delete)?.IndexName;
    const isThere = indexes.some(({ IndexName }) => IndexName === name);
    if (Create && isThere) throw invalid(`Attempting to create an index which already exists: ${String(name)}`);
    if (!Create && !isThere) throw new ServiceError('ResourceNotFoundException', 'Requested resource not found');
    if (Create) return [...indexes, Create];
    // Throughput costs nothing here.
    return Delete ? indexes.filter(({ IndexName }) => IndexName !== name) : indexes;
  }, before);
}

/** DynamoDB refuses throughput beside PAY_PER_REQUEST, which a table changes to without taking it back. */
function withoutThroughput(definition: Json): Json {
  if (definition.BillingMode !== 'PAY_PER_REQUEST') return definition;
  const { ProvisionedThroughput, ...rest } = definition;
  return rest;
}

/** An attribute that was the key of an index goes with it. */
function usedAttributes(
  { KeySchema, LocalSecondaryIndexes, GlobalSecondaryIndexes }: Json, attributes: readonly Json[],
): Json[] {
  const indexes = [...asList(LocalSecondaryIndexes), ...asList(GlobalSecondaryIndexes)];
  const schemas = [KeySchema, ...indexes.map((index) => index.KeySchema)];
  const keys = schemas.flatMap(asList).map(({ AttributeName }) => AttributeName);
  const byName = new Map(attributes.map((attribute) => [attribute.AttributeName, attribute]));
  return [...byName.values()].filter(({ AttributeName }) => keys.includes(AttributeName));
}

function asList(value: unknown): Json[] {
  return Array.isArray(value) ? value as Json[] : [];
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

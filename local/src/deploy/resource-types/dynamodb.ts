import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../services/dynamodb/dynalite-store';
import type { Properties } from '../properties';
import { optionalBoolean, optionalString, record, records, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

/** What only these properties decide is kept by DynamoDB here; the others are accepted and change nothing. */
export const table: ResourceType = {
  createOnly: ['TableName', 'KeySchema', 'LocalSecondaryIndexes'],
  name: 'TableName',
  refuse: twoIndexChanges,
  async create(properties, context) {
    const name = optionalString(properties, 'TableName') ?? generatedName(context, 255);
    const { dynamodb } = context.services;
    await dynamodb.call('CreateTable', definitionOf(name, properties));
    context.stands(name);
    await applyTimeToLive(name, properties, context);
    const { Table } = await dynamodb.call('DescribeTable', { TableName: name });
    return { physicalId: name, attributes: { Arn: dynamodb.tableArn(name), TableId: (Table as Json).TableId } };
  },
  async update(resource, properties, context, before) {
    const name = resource.physicalId;
    const definition = definitionOf(name, properties);
    const isChanged = !isDeepStrictEqual(definition, definitionOf(name, before));
    if (isChanged) await context.services.dynamodb.changeIndexes(definition);
    await applyTimeToLive(name, properties, context);
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['ResourceNotFoundException'], async () => void await services.dynamodb.call('DeleteTable', { TableName: physicalId }));
  },
};

/** DynamoDB makes or drops one global index at a time, and CloudFormation does not split what asks for more. */
function twoIndexChanges(before: Properties, properties: Properties): string | undefined {
  const names = (of: Properties): unknown[] => records(of, 'GlobalSecondaryIndexes').map(({ IndexName }) => IndexName);
  const made = names(properties).filter((name) => !names(before).includes(name));
  const dropped = names(before).filter((name) => !names(properties).includes(name));
  return made.length + dropped.length > 1 ? 'Cannot perform more than one GSI creation or deletion in a single update' : undefined;
}

function definitionOf(TableName: string, properties: Properties): Json {
  return {
    TableName,
    AttributeDefinitions: records(properties, 'AttributeDefinitions'),
    KeySchema: records(properties, 'KeySchema'),
    // Capacity costs nothing here, so that tables of both billing modes are alike.
    BillingMode: 'PAY_PER_REQUEST',
    ...indexes(properties, 'LocalSecondaryIndexes'),
    ...indexes(properties, 'GlobalSecondaryIndexes'),
  };
}

function indexes(properties: Properties, name: string): Json {
  const found = records(properties, name)
    .map(({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection }));
  return found.length > 0 ? { [name]: found } : {};
}

async function applyTimeToLive(
  TableName: string,
  properties: Properties,
  { services }: ResourceContext,
): Promise<void> {
  const specification = record(properties, 'TimeToLiveSpecification');
  const AttributeName = optionalString(specification, 'AttributeName') ?? '';
  const Enabled = AttributeName !== '' && (optionalBoolean(specification, 'Enabled') ?? false);
  const { TimeToLiveDescription } = await services.dynamodb.call('DescribeTimeToLive', { TableName });
  const current = (TimeToLiveDescription as { AttributeName?: string }).AttributeName;
  // DynamoDB refuses what changes nothing, and another attribute than the one that is in force.
  if (!Enabled && current === undefined) return;
  if (Enabled && current === AttributeName) return;
  const change = { Enabled, AttributeName: Enabled ? AttributeName : current };
  await services.dynamodb.call('UpdateTimeToLive', { TableName, TimeToLiveSpecification: change });
}

/** A global table has one replica here: this Region's. */
export const globalTable: ResourceType = {
  ...table,
  create(properties, context) {
    const elsewhere = records(properties, 'Replicas').map((replica) => requiredString(replica, 'Region')).filter((name) => name !== context.region);
    if (elsewhere.length > 0) context.warn(`${context.logicalId}: the local cloud has one Region; no replicas in ${elsewhere.join(', ')}`);
    return table.create(properties, context);
  },
};

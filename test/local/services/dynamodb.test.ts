import {
  BatchGetItemCommand, BatchWriteItemCommand, CreateTableCommand, DeleteItemCommand, DeleteTableCommand,
  DescribeTableCommand, DescribeTimeToLiveCommand, DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand,
  QueryCommand, ScanCommand, TagResourceCommand, TransactGetItemsCommand, TransactWriteItemsCommand,
  UpdateItemCommand, UpdateTableCommand, UpdateTimeToLiveCommand, paginateQuery, paginateScan,
} from '@aws-sdk/client-dynamodb';
import { DynamoDbService } from '../../../local/src/services/dynamodb/dynamodb-service';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let client: DynamoDBClient;
const TableName = 'things';

beforeAll(async () => {
  cloud = await startTestCloud();
  client = new DynamoDBClient(cloud.clientConfiguration);
});

afterAll(async () => {
  client.destroy();
  await cloud.stop();
});

beforeEach(async () => {
  await client.send(new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'kind', AttributeType: 'S' }, { AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }, { AttributeName: 'id', KeyType: 'RANGE' }],
  }));
});

afterEach(() => client.send(new DeleteTableCommand({ TableName })));

const key = (id: string) => ({ kind: { S: 'a' }, id: { S: id } });
const put = (id: string, n: number) => {
  return client.send(new PutItemCommand({ TableName, Item: { ...key(id), n: { N: String(n) } } }));
};
const read = async (id: string) => {
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: key(id), ConsistentRead: true }));
  return Item?.n?.N;
};
const scan = async () => (await client.send(new ScanCommand({ TableName }))).Items ?? [];

const add = (id: string, by: number, condition?: string) => ({
  Update: {
    TableName,
    Key: key(id),
    UpdateExpression: 'ADD n :by',
    ConditionExpression: condition,
    ExpressionAttributeValues: { ':by': { N: String(by) } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  },
});

test('describes a table that is active at once, under this account and Region', async () => {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  expect(Table).toMatchObject({ TableStatus: 'ACTIVE', TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/things' });
});

test('takes the ARN of a table for its name', async () => {
  await put('1', 1);
  const { Item } = await client.send(new GetItemCommand({ TableName: cloud.services.dynamodb.tableArn(TableName), Key: key('1') }));
  expect(Item).toMatchObject(key('1'));
});

test('queries a partition in order', async () => {
  for (const id of ['b', 'a', 'c']) await put(id, 1);
  const { Items } = await client.send(new QueryCommand({
    TableName,
    KeyConditionExpression: 'kind = :kind and id > :id',
    ExpressionAttributeValues: { ':kind': { S: 'a' }, ':id': { S: 'a' } },
  }));
  expect(Items?.map(({ id }) => id.S)).toEqual(['b', 'c']);
});

test('fails a condition with the item as it is, where that was asked for', async () => {
  await put('1', 7);
  const input = { TableName, Item: key('1'), ConditionExpression: 'attribute_not_exists(id)' };
  await expect(client.send(new PutItemCommand({ ...input, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })))
    .rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item: { ...key('1'), n: { N: '7' } } });
  const plain = await client.send(new PutItemCommand(input)).catch((error: unknown) => error);
  expect(plain).toMatchObject({ name: 'ConditionalCheckFailedException' });
  expect(plain).not.toMatchObject({ Item: expect.anything() });
});

test('lets exactly one of many racing conditional writes win', async () => {
  await put('1', 0);
  const claims = Array.from({ length: 20 }, (_, index) => client.send(new UpdateItemCommand({
    TableName,
    Key: key('1'),
    UpdateExpression: 'SET taker = :me',
    ConditionExpression: 'attribute_not_exists(taker)',
    ExpressionAttributeValues: { ':me': { N: String(index) } },
  })));
  const results = await Promise.allSettled(claims);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('writes all actions of a transaction', async () => {
  await put('old', 1);
  await put('gone', 1);
  await put('guard', 5);
  await client.send(new TransactWriteItemsCommand({
    TransactItems: [
      { Put: { TableName, Item: { ...key('new'), n: { N: '9' } }, ConditionExpression: 'attribute_not_exists(id)' } },
      add('old', 2, 'n = :by OR n < :by'),
      { Delete: { TableName, Key: key('gone') } },
      {
        ConditionCheck: {
          TableName,
          Key: key('guard'),
          ConditionExpression: '#n = :five',
          ExpressionAttributeNames: { '#n': 'n' },
          ExpressionAttributeValues: { ':five': { N: '5' } },
        },
      },
    ],
  }));
  expect([await read('new'), await read('old'), await read('gone'), await read('guard')]).toEqual(['9', '3', undefined, '5']);
  expect(await scan()).toHaveLength(3);
});

test('fails a transaction as a whole, with a reason for each action', async () => {
  await put('1', 1);
  await put('2', 10);
  const failure = await client.send(new TransactWriteItemsCommand({
    TransactItems: [add('1', 1), add('2', 1, 'n < :by'), add('3', 1, 'attribute_exists(id)')],
  })).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    name: 'TransactionCanceledException',
    message: expect.stringContaining('[None, ConditionalCheckFailed, ConditionalCheckFailed]'),
    CancellationReasons: [
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Item: { ...key('2'), n: { N: '10' } } },
      { Code: 'ConditionalCheckFailed' },
    ],
  });
  expect([await read('1'), await read('2'), await read('3')]).toEqual(['1', '10', undefined]);
});

test('fails a transaction with two actions on one item, and one with a broken expression', async () => {
  const send = (...TransactItems: ReturnType<typeof add>[]) => {
    return client.send(new TransactWriteItemsCommand({ TransactItems }));
  };
  await expect(send(add('1', 1), add('1', 2))).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(send(add('1', 1, 'n <<< :by'))).rejects.toMatchObject({ name: 'ValidationException' });
});

test('runs a transaction with the same token once', async () => {
  const run = (by: number) => client.send(new TransactWriteItemsCommand({ ClientRequestToken: 'token-1', TransactItems: [add('1', by)] }));
  await run(1);
  await run(1);
  expect(await read('1')).toBe('1');
  await expect(run(2)).rejects.toMatchObject({ name: 'IdempotentParameterMismatchException' });
});

test('keeps racing transactions apart', async () => {
  await put('counter', 0);
  const take = (index: number) => client.send(new TransactWriteItemsCommand({
    TransactItems: [
      { Put: { TableName, Item: key(`taker-${index}`), ConditionExpression: 'attribute_not_exists(id)' } },
      {
        Update: {
          TableName,
          Key: key('counter'),
          UpdateExpression: 'SET n = n + :one',
          ConditionExpression: 'n < :limit',
          ExpressionAttributeValues: { ':one': { N: '1' }, ':limit': { N: '3' } },
        },
      },
    ],
  }));
  const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => take(index)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(await read('counter')).toBe('3');
  expect(await scan()).toHaveLength(4);
});

test('reads several items in one transaction', async () => {
  await put('1', 1);
  const TransactItems = [{ Get: { TableName: cloud.services.dynamodb.tableArn(TableName), Key: key('1') } }, { Get: { TableName, Key: key('none') } }];
  const { Responses } = await client.send(new TransactGetItemsCommand({ TransactItems }));
  expect(Responses?.map(({ Item }) => Item?.n?.N)).toEqual(['1', undefined]);
});

test('removes expired items once the clock has passed their time', async () => {
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: 'n' } }));
  const seconds = Math.floor(cloud.clock.now() / 1000);
  await put('soon', seconds + 60);
  await put('later', seconds + 86_400);
  await cloud.clock.advance({ hours: 2 });
  expect((await scan()).map(({ id }) => id.S)).toEqual(['later']);
});

test('keeps the items of a table that gets another index', async () => {
  await put('1', 5);
  await cloud.services.dynamodb.changeIndexes({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['kind', 'id'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })).concat({ AttributeName: 'n', AttributeType: 'N' }),
    KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }, { AttributeName: 'id', KeyType: 'RANGE' }],
    GlobalSecondaryIndexes: [{ IndexName: 'byN', KeySchema: [{ AttributeName: 'n', KeyType: 'HASH' }], Projection: { ProjectionType: 'ALL' } }],
  });
  const { Items } = await client.send(new QueryCommand({
    TableName, IndexName: 'byN', KeyConditionExpression: 'n = :n', ExpressionAttributeValues: { ':n': { N: '5' } },
  }));
  expect(Items?.map(({ id }) => id.S)).toEqual(['1']);
});

const byN = {
  IndexName: 'byN',
  KeySchema: [{ AttributeName: 'n', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'ALL' as const },
};
const number = [{ AttributeName: 'n', AttributeType: 'N' as const }];
const byNumber = (n: string) => ({
  TableName, IndexName: 'byN', KeyConditionExpression: 'n = :n', ExpressionAttributeValues: { ':n': { N: n } },
});
const update = (input: object) => client.send(new UpdateTableCommand({ TableName, ...input }));
const createIndex = () => update({ AttributeDefinitions: number, GlobalSecondaryIndexUpdates: [{ Create: byN }] });

test('gives a table an index through the API, which is there after a restart, and takes it away', async () => {
  await put('1', 5);
  const { TableDescription } = await createIndex();
  expect(TableDescription?.GlobalSecondaryIndexes).toMatchObject([{ IndexName: 'byN' }]);
  const restarted = new DynamoDbService(cloud.clock, cloud);
  await restarted.restore(JSON.parse(JSON.stringify(await cloud.services.dynamodb.save())));
  const found = await restarted.call('Query', byNumber('5'));
  await restarted.stop();
  expect(found.Items).toEqual([{ ...key('1'), n: { N: '5' } }]);
  await update({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'byN' } }] });
  await expect(client.send(new QueryCommand(byNumber('5')))).rejects.toMatchObject({ name: 'ValidationException' });
  expect(await read('1')).toBe('5');
});

test('changes how a table is paid for', async () => {
  await update({ BillingMode: 'PROVISIONED', ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 2 } });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  expect(Table?.ProvisionedThroughput).toMatchObject({ WriteCapacityUnits: 2 });
  const { TableDescription } = await update({ BillingMode: 'PAY_PER_REQUEST' });
  expect(TableDescription?.BillingModeSummary).toMatchObject({ BillingMode: 'PAY_PER_REQUEST' });
});

test.each([
  ['nothing', {}, 'ValidationException', 'At least one of'],
  ['a stream, which is not emulated', { StreamSpecification: { StreamEnabled: false } }, 'ValidationException', 'got StreamSpecification'],
  ['an index that is not there', { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'no-such' } }] }, 'ResourceNotFoundException', ''],
  ['an index without its attribute', { GlobalSecondaryIndexUpdates: [{ Create: byN }] }, 'ValidationException', 'n'],
  ['two new indexes', { AttributeDefinitions: number, GlobalSecondaryIndexUpdates: [{ Create: byN }, { Create: { ...byN, IndexName: 'too' } }] },
    'LimitExceededException', 'Only 1 online index'],
  ['a table that is not there', { TableName: 'no-such', BillingMode: 'PAY_PER_REQUEST' }, 'ResourceNotFoundException', 'no-such'],
])('fails to change a table for %s, and leaves it as it was', async (_, input, name, message) => {
  await put('1', 1);
  await expect(update(input)).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  expect(await read('1')).toBe('1');
});

test('fails to make an index twice', async () => {
  await createIndex();
  await expect(createIndex()).rejects.toMatchObject({ message: 'Attempting to create an index which already exists: byN' });
});

test('fails for an operation that is not emulated, and says so', async () => {
  const ResourceArn = cloud.services.dynamodb.tableArn(TableName);
  await expect(client.send(new TagResourceCommand({ ResourceArn, Tags: [] })))
    .rejects.toMatchObject({ message: 'the local cloud\'s DynamoDB has no operation "TagResource"' });
});

test('lists tables, and fails for one that is there or is not', async () => {
  expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([TableName]);
  const again = client.send(new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }));
  await expect(again).rejects.toMatchObject({ name: 'ResourceInUseException' });
  await expect(client.send(new DeleteTableCommand({ TableName: 'no-such' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('describes the time to live, and fails to change it to what it is', async () => {
  const set = (Enabled: boolean, AttributeName: string) => {
    return client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled, AttributeName } }));
  };
  const describe = async () => (await client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription;
  await expect(set(false, 'n')).rejects.toMatchObject({ name: 'ValidationException', message: 'TimeToLive is already disabled' });
  await set(true, 'n');
  expect(await describe()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'n' });
  await expect(set(true, 'n')).rejects.toMatchObject({ message: 'TimeToLive is already enabled' });
  await expect(set(true, 'm')).rejects.toMatchObject({ message: expect.stringContaining('current AttributeName is n') });
  await set(false, 'n');
  expect(await describe()).toEqual({ TimeToLiveStatus: 'DISABLED' });
});

describe('many items', () => {
  const ids = Array.from({ length: 25 }, (_, index) => String(index).padStart(2, '0'));
  const writeAll = () => client.send(new BatchWriteItemCommand({
    RequestItems: { [TableName]: ids.map((id) => ({ PutRequest: { Item: key(id) } })) },
  }));

  test('are queried and scanned in pages', async () => {
    await writeAll();
    const ExpressionAttributeValues = { ':kind': { S: 'a' } };
    const query = { TableName, KeyConditionExpression: 'kind = :kind', ExpressionAttributeValues };
    const idsOf = async (pages: AsyncIterable<{ Items?: { id?: { S?: string } }[] }>) => {
      const all: (string | undefined)[][] = [];
      for await (const { Items = [] } of pages) all.push(Items.map(({ id }) => id?.S));
      return all;
    };
    const queried = await idsOf(paginateQuery({ client, pageSize: 10 }, { ...query }) as AsyncIterable<never>);
    expect([queried.map(({ length }) => length), queried.flat()]).toEqual([[10, 10, 5], ids]);
    const scanned = await idsOf(paginateScan({ client, pageSize: 20 }, { TableName }) as AsyncIterable<never>);
    expect(scanned.flat().sort()).toEqual(ids);
    const backwards = await client.send(new QueryCommand({ ...query, ScanIndexForward: false, Limit: 2 }));
    expect(backwards.Items?.map(({ id }) => id.S)).toEqual(['24', '23']);
  });

  test('are read in batches, by a table\'s ARN too', async () => {
    await writeAll();
    const Keys = [key('03'), key('none'), key('07')];
    for (const table of [TableName, cloud.services.dynamodb.tableArn(TableName)]) {
      const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } });
      const { Responses, UnprocessedKeys } = await client.send(command);
      expect(Responses?.[TableName].map(({ id }) => id.S).sort()).toEqual(['03', '07']);
      expect(UnprocessedKeys).toEqual({});
    }
  });

  test('fail in batches that are too large, and with one item twice', async () => {
    const write = (...written: string[]) => client.send(new BatchWriteItemCommand({
      RequestItems: { [TableName]: written.map((id) => ({ PutRequest: { Item: key(id) } })) },
    }));
    await expect(write(...ids, 'more')).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(write('1', '1')).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringContaining('duplicates') });
    const Keys = Array.from({ length: 101 }, (_, index) => key(String(index)));
    await expect(client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } }))).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

test('fails a transaction of reads without any, and with something else', async () => {
  const send = (TransactItems: never[]) => client.send(new TransactGetItemsCommand({ TransactItems }));
  await expect(send([])).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(send([{ Put: {} } as never])).rejects.toMatchObject({ name: 'ValidationException' });
});

test('writes and deletes in batches', async () => {
  const requests = ['1', '2', '3'].map((id) => ({ PutRequest: { Item: key(id) } }));
  await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  await client.send(new DeleteItemCommand({ TableName, Key: key('2') }));
  expect((await scan()).map(({ id }) => id.S).sort()).toEqual(['1', '3']);
});

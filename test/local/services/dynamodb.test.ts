import {
  BatchWriteItemCommand, CreateTableCommand, DeleteItemCommand, DeleteTableCommand, DescribeTableCommand,
  DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand, TransactGetItemsCommand,
  TransactWriteItemsCommand, UpdateItemCommand, UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
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
  const TransactItems = [{ Get: { TableName, Key: key('1') } }, { Get: { TableName, Key: key('none') } }];
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

test('writes and deletes in batches', async () => {
  const requests = ['1', '2', '3'].map((id) => ({ PutRequest: { Item: key(id) } }));
  await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  await client.send(new DeleteItemCommand({ TableName, Key: key('2') }));
  expect((await scan()).map(({ id }) => id.S).sort()).toEqual(['1', '3']);
});

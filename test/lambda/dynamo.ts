/// <reference path="../../local/src/services/dynamodb/dynalite.d.ts" />
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand, TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { POOL_TABLE } from '../../src/contract/pool';

export type Item = Record<string, any>;
type Send = (command: any) => Promise<any>;

/** What DynamoDB takes in one call. */
const BATCH_ITEMS = 25;

/**
 * Real expressions on a real table: dynalite, with transactions made of single writes. One transaction at a time, in which no item
 * occurs twice: when one of its writes is refused, the others are taken back.
 */
export class Dynamo {
  readonly tableName = 'pool';
  readonly transactions: Item[][] = [];
  private readonly server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  private readonly documents = DynamoDBDocumentClient.from(new DynamoDBClient({
    endpoint: async () => ({ protocol: 'http:', hostname: '127.0.0.1', port: (this.server.address() as AddressInfo).port, path: '/' }),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  }), { marshallOptions: { removeUndefinedValues: true } });
  private turn: Promise<unknown> = Promise.resolve();

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()));
    await this.documents.send(new CreateTableCommand({
      TableName: this.tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [POOL_TABLE.partitionKey, POOL_TABLE.sortKey].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: POOL_TABLE.partitionKey, KeyType: 'HASH' },
        { AttributeName: POOL_TABLE.sortKey, KeyType: 'RANGE' },
      ],
    }));
  }

  async close(): Promise<void> {
    this.documents.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  readonly send: any = (command: any) => this.serially(() => (
    command instanceof TransactWriteCommand
      ? this.transact(command.input.TransactItems as Item[])
      : this.rawSend(command)
  ));

  async items(kind?: string): Promise<Item[]> {
    const { Items = [] } = await this.rawSend(new ScanCommand({ TableName: this.tableName }));
    return Items.filter((item: Item) => kind === undefined || item.kind === kind);
  }

  async clear(): Promise<void> {
    // A scan reads one megabyte.
    for (let items = await this.items(); items.length > 0; items = await this.items()) {
      await this.batch(items.map(({ kind, id }) => ({ DeleteRequest: { Key: { kind, id } } })));
    }
    this.transactions.length = 0;
  }

  async put(...items: Item[]): Promise<void> {
    await this.batch(items.map((item) => ({ PutRequest: { Item: item } })));
  }

  async count(): Promise<number> {
    return (await this.items('pool'))[0]?.active ?? 0;
  }

  private async batch(requests: Item[]): Promise<void> {
    for (let at = 0; at < requests.length; at += BATCH_ITEMS) {
      const RequestItems = { [this.tableName]: requests.slice(at, at + BATCH_ITEMS) };
      await this.rawSend(new BatchWriteCommand({ RequestItems }));
    }
  }

  private rawSend: Send = (command) => this.documents.send(command);

  private serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async transact(writes: Item[]): Promise<object> {
    this.transactions.push(writes);
    const reasons: { readonly Code: string }[] = [];
    const undo: (() => Promise<unknown>)[] = [];
    for (const write of writes) {
      const Code = await this.write(write, undo);
      reasons.push({ Code });
    }
    if (reasons.every(({ Code }) => Code === 'None')) return {};
    for (const takeBack of undo) await takeBack();
    throw Object.assign(new Error('Transaction cancelled'), { name: 'TransactionCanceledException', CancellationReasons: reasons });
  }

  private async write(write: Item, undo: (() => Promise<unknown>)[]): Promise<string> {
    const [operation] = Object.values(write);
    const Key = operation.Key ?? { kind: operation.Item.kind, id: operation.Item.id };
    const read = new GetCommand({ TableName: this.tableName, Key, ConsistentRead: true });
    const { Item: before } = await this.rawSend(read);
    try {
      await this.rawSend(toCommand(write));
    } catch (error) {
      if ((error as Error).name === 'ConditionalCheckFailedException') return 'ConditionalCheckFailed';
      throw error;
    }
    undo.push(() => (before ? this.put(before) : this.rawSend(new DeleteCommand({ TableName: this.tableName, Key }))));
    return 'None';
  }
}

function toCommand({ Put, Update, Delete }: Item) {
  if (Put) return new PutCommand(Put);
  if (Update) return new UpdateCommand(Update);
  return new DeleteCommand(Delete);
}

/// <reference path="../../local/src/services/dynamodb/dynalite.d.ts" />
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand, TransactWriteCommand, UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { POOL_TABLE } from '../../src/contract/pool';

export type Item = Record<string, any>;
type Send = (command: any) => Promise<any>;

/**
 * Real expressions on a real table: dynalite, with transactions made of single writes. One transaction at a time: each write is tried
 * alone against the state before, taken back, and only if all of them pass are they done.
 */
export class Dynamo {
  static async start(): Promise<Dynamo> {
    const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const dynamo = new Dynamo(server, DynamoDBDocumentClient.from(client, {
      marshallOptions: { removeUndefinedValues: true },
    }));
    await client.send(new CreateTableCommand({
      TableName: dynamo.tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [POOL_TABLE.partitionKey, POOL_TABLE.sortKey].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: POOL_TABLE.partitionKey, KeyType: 'HASH' },
        { AttributeName: POOL_TABLE.sortKey, KeyType: 'RANGE' },
      ],
    }));
    return dynamo;
  }

  readonly tableName = 'pool';
  readonly transactions: Item[][] = [];
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly server: ReturnType<typeof dynalite>, private readonly documents: DynamoDBDocumentClient,
  ) {}

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
      for (const { kind, id } of items) {
        await this.rawSend(new DeleteCommand({ TableName: this.tableName, Key: { kind, id } }));
      }
    }
    this.transactions.length = 0;
  }

  async put(item: Item): Promise<void> {
    await this.rawSend(new PutCommand({ TableName: this.tableName, Item: item }));
  }

  async count(): Promise<number> {
    return (await this.items('pool'))[0]?.active ?? 0;
  }

  private rawSend: Send = (command) => this.documents.send(command);

  private serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async transact(writes: Item[]): Promise<object> {
    this.transactions.push(writes);
    const reasons = [];
    for (const write of writes) reasons.push({ Code: await this.tryAlone(write) });
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw Object.assign(new Error('Transaction cancelled'), { name: 'TransactionCanceledException', CancellationReasons: reasons });
    }
    for (const write of writes) await this.rawSend(toCommand(write));
    return {};
  }

  private async tryAlone(write: Item): Promise<string> {
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
    if (before) await this.put(before);
    else await this.rawSend(new DeleteCommand({ TableName: this.tableName, Key }));
    return 'None';
  }
}

function toCommand({ Put, Update, Delete }: Item) {
  if (Put) return new PutCommand(Put);
  if (Update) return new UpdateCommand(Update);
  return new DeleteCommand(Delete);
}

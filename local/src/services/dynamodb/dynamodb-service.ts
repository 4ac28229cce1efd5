import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';
import { jsonError, jsonResponse, parseBody, ServiceError, targetOperation } from '../service-error';
import type { Json } from './dynalite-store';
import { changedDefinition } from './table-change';
import { TableLocks } from './table-locks';
import { tableOf, Tables } from './tables';
import { TimeToLive } from './time-to-live';
import { parseActions, parseGets, runTransaction, tableName } from './transaction';
import type { Attempt } from './transaction-tokens';
import { TransactionTokens } from './transaction-tokens';

interface SavedTable {
  readonly definition: Json;
  /** The attribute of its time to live. */
  readonly timeToLive?: string;
  readonly items: readonly Json[];
}

/** DynamoDB: dynalite, and in front of it what it lacks: transactions, items in condition errors, index changes, time to live. */
export class DynamoDbService implements ApiService, Persistent {
  readonly #tables: Tables;
  readonly #locks = new TableLocks();
  readonly #tokens: TransactionTokens;
  readonly #timeToLive: TimeToLive;
  /** The items of tables as they were last saved; a table that was written to since is not in it. */
  readonly #savedItems = new Map<string, readonly Json[]>();

  constructor(clock: Clock, accountInArns: { readonly region: string; readonly account: string }) {
    this.#tables = new Tables(accountInArns);
    this.#tokens = new TransactionTokens(clock);
    this.#timeToLive = new TimeToLive(clock, (table, expired) => this.#removeExpired(table, expired));
  }

  async stop(): Promise<void> {
    this.#timeToLive.stop();
    await this.#tables.stop();
  }

  /** All tables at one moment between two writes. */
  async save(): Promise<unknown> {
    return this.#locks.run(this.tables(), async () => {
      const tables: SavedTable[] = [];
      for (const table of this.tables()) {
        const items = this.#savedItems.get(table) ?? await this.#tables.items(table);
        this.#savedItems.set(table, items);
        const { AttributeName: timeToLive } = this.#timeToLive.describe(table);
        const definition = this.#tables.definition(table);
        tables.push({ definition, timeToLive: timeToLive as string | undefined, items });
      }
      return { tables, attempts: this.#tokens.save() };
    });
  }

  async restore(state: unknown): Promise<void> {
    const { tables, attempts } = state as { tables: SavedTable[]; attempts: [string, Attempt][] };
    for (const { definition, timeToLive, items } of tables) {
      await this.#tables.create(definition);
      const table = tableOf(definition);
      await this.#tables.fill(table, items);
      if (timeToLive) this.#timeToLive.enable(table, timeToLive);
    }
    this.#tokens.restore(attempts);
  }

  tables(): string[] {
    return this.#tables.names();
  }

  tableArn(table: string): string {
    return this.#tables.arn(table);
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      return jsonResponse(200, await this.call(targetOperation(request), parseBody(request.body)));
    } catch (error) {
      return jsonError(error);
    }
  }

  /** Runs one operation of the API. */
  async call(operation: string, given: Json): Promise<Json> {
    const input = this.#withTableNames(given);
    switch (operation) {
      case 'CreateTable': return this.#locks.run([tableOf(input)], () => this.#tables.create(input));
      case 'DeleteTable': return this.#change([tableOf(input)], () => this.#deleteTable(input));
      case 'TransactWriteItems': return this.#transactWrite(input);
      case 'TransactGetItems': return this.#transactGet(input);
      case 'UpdateTable': return this.#updateTable(input);
      case 'UpdateTimeToLive': return this.#updateTimeToLive(tableOf(input), input);
      case 'DescribeTimeToLive': return this.#describeTimeToLive(tableOf(input));
      case 'PutItem': case 'UpdateItem': case 'DeleteItem':
        return this.#change([tableOf(input)], () => this.#writeItem(operation, input));
      case 'BatchWriteItem':
        return this.#change(Object.keys(input.RequestItems ?? {}), () => this.#tables.store.call(operation, input));
      case 'BatchGetItem':
        return this.#locks.run(Object.keys(input.RequestItems ?? {}), () => this.#tables.store.call(operation, input));
      case 'ListTables': return this.#tables.store.call(operation, input);
      case 'DescribeTable': case 'GetItem': case 'Query': case 'Scan':
        return this.#locks.run([tableOf(input)], () => this.#read(operation, input));
      default: throw new ServiceError('UnknownOperationException', `the local cloud's DynamoDB has no operation "${operation}"`);
    }
  }

  /** Runs what may write to the items of these tables. */
  #change(tables: readonly string[], work: () => Promise<Json>): Promise<Json> {
    return this.#locks.run(tables, async () => {
      try {
        return await work();
      } finally {
        for (const table of tables) this.#savedItems.delete(table);
      }
    });
  }

  /** Gives a table other secondary indexes, and keeps its items. */
  async changeIndexes(definition: Json): Promise<void> {
    await this.#redefine(tableOf(definition), () => definition);
  }

  async #redefine(table: string, change: (before: Json) => Json): Promise<void> {
    await this.#locks.run([table], () => this.#tables.redefine(table, change(this.#tables.definition(table))));
  }

  async #deleteTable(input: Json): Promise<Json> {
    const answer = await this.#tables.delete(input);
    this.#timeToLive.disable(tableOf(input));
    return answer;
  }

  async #read(operation: string, input: Json): Promise<Json> {
    return this.#tables.withArn(await this.#tables.store.call(operation, input));
  }

  async #writeItem(operation: string, input: Json): Promise<Json> {
    const { ReturnValuesOnConditionCheckFailure: wanted, ...rest } = input;
    try {
      return await this.#tables.store.call(operation, rest);
    } catch (error) {
      const failed = error instanceof ServiceError && error.code === 'ConditionalCheckFailedException';
      if (!failed || wanted !== 'ALL_OLD') throw error;
      const TableName = tableOf(input);
      const Key = this.#tables.keyOf(TableName, (input.Key ?? input.Item) as Json);
      const { Item } = await this.#tables.store.call('GetItem', { TableName, Key, ConsistentRead: true });
      throw new ServiceError(error.code, error.message, 400, Item ? { Item } : {});
    }
  }

  async #transactWrite(input: Json): Promise<Json> {
    const actions = parseActions(input, (table) => this.#tables.keyNames(table));
    return this.#change(actions.map(({ table }) => table), async () => {
      if (this.#tokens.wasDone(input)) return {};
      await runTransaction(actions, this.#tables.store, this.#tables.scratch);
      this.#tokens.remember(input);
      return {};
    });
  }

  async #transactGet(input: Json): Promise<Json> {
    const gets = parseGets(input);
    return this.#locks.run(gets.map(tableOf), async () => {
      const Responses = [];
      for (const get of gets) {
        const { Item } = await this.#tables.store.call('GetItem', { ...get, ConsistentRead: true });
        Responses.push(Item ? { Item } : {});
      }
      return { Responses };
    });
  }

  async #updateTable(input: Json): Promise<Json> {
    const table = tableOf(input);
    await this.#redefine(table, (before) => changedDefinition(before, input));
    const { Table } = await this.call('DescribeTable', { TableName: table });
    return { TableDescription: Table };
  }

  #describeTimeToLive(table: string): Json {
    this.#tables.definition(table);
    return { TimeToLiveDescription: this.#timeToLive.describe(table) };
  }

  #updateTimeToLive(table: string, input: Json): Json {
    this.#tables.definition(table);
    return { TimeToLiveSpecification: this.#timeToLive.update(table, input.TimeToLiveSpecification) };
  }

  async #removeExpired(table: string, expired: (item: Json) => boolean): Promise<void> {
    await this.#locks.run([table], async () => {
      for (const item of (await this.#tables.items(table)).filter(expired)) {
        await this.#tables.store.call('DeleteItem', { TableName: table, Key: this.#tables.keyOf(table, item) });
        this.#savedItems.delete(table);
      }
    });
  }

  /** A table may be named by its ARN everywhere. */
  #withTableNames(input: Json): Json {
    const { TableName, RequestItems } = input;
    const requests = Object.entries((RequestItems ?? {}) as Json).map(([table, items]) => [tableName(table), items]);
    return {
      ...input,
      ...(typeof TableName === 'string' && { TableName: tableName(TableName) }),
      ...(requests.length > 0 && { RequestItems: Object.fromEntries(requests) }),
    };
  }
}

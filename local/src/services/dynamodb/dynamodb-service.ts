import { createHash } from 'node:crypto';
import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';
import { jsonError, jsonResponse, ServiceError, targetOperation } from '../service-error';
import type { Json } from './dynalite-store';
import { DynaliteStore } from './dynalite-store';
import { changedDefinition } from './table-change';
import { TableLocks } from './table-locks';
import { TimeToLive } from './time-to-live';
import { parseActions, parseGets, runTransaction, tableName } from './transaction';

/** How long a ClientRequestToken is remembered. */
const TOKEN_MS = 10 * 60_000;

interface SavedTable {
  readonly definition: Json;
  /** The attribute of its time to live. */
  readonly timeToLive?: string;
  readonly items: readonly Json[];
}

interface Attempt {
  readonly fingerprint: string;
  readonly expiresAt: number;
}

/** DynamoDB: dynalite, and in front of it what it lacks: transactions, items in condition errors, index changes, time to live. */
export class DynamoDbService implements ApiService, Persistent {
  readonly #store = new DynaliteStore();
  readonly #scratch = new DynaliteStore();
  readonly #locks = new TableLocks();
  readonly #definitions = new Map<string, Json>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #timeToLive: TimeToLive;
  /** The items of tables as they were last saved; a table that was written to since is not in it. */
  readonly #savedItems = new Map<string, readonly Json[]>();

  constructor(private readonly clock: Clock, private readonly accountInArns: { region: string; account: string }) {
    this.#timeToLive = new TimeToLive(clock, (table, expired) => this.#removeExpired(table, expired));
  }

  async stop(): Promise<void> {
    this.#timeToLive.stop();
    await Promise.all([this.#store.stop(), this.#scratch.stop()]);
  }

  /** All tables at one moment between two writes. */
  async save(): Promise<unknown> {
    return this.#locks.run(this.tables(), async () => {
      const tables: SavedTable[] = [];
      for (const [table, definition] of this.#definitions) {
        const items = this.#savedItems.get(table) ?? await this.#scanAll(table);
        this.#savedItems.set(table, items);
        const { AttributeName: timeToLive } = this.#timeToLive.describe(table);
        tables.push({ definition, timeToLive: timeToLive as string | undefined, items });
      }
      return { tables, attempts: [...this.#attempts] };
    });
  }

  async restore(state: unknown): Promise<void> {
    const { tables, attempts } = state as { tables: SavedTable[]; attempts: [string, Attempt][] };
    for (const { definition, timeToLive, items } of tables) {
      await this.#createTable(definition);
      const table = tableOf(definition);
      for (const Item of items) await this.#store.call('PutItem', { TableName: table, Item });
      if (timeToLive) this.#timeToLive.enable(table, timeToLive);
    }
    for (const [token, attempt] of attempts) this.#attempts.set(token, attempt);
  }

  tables(): string[] {
    return [...this.#definitions.keys()];
  }

  tableArn(table: string): string {
    return `arn:aws:dynamodb:${this.accountInArns.region}:${this.accountInArns.account}:table/${table}`;
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const input = JSON.parse(request.body.toString()) as Json;
      return jsonResponse(200, await this.call(targetOperation(request), input));
    } catch (error) {
      return jsonError(error);
    }
  }

  /** Runs one operation of the API. */
  async call(operation: string, given: Json): Promise<Json> {
    const input = this.#withTableNames(given);
    switch (operation) {
      case 'CreateTable': return this.#locks.run([tableOf(input)], () => this.#createTable(input));
      case 'DeleteTable': return this.#change([tableOf(input)], () => this.#deleteTable(input));
      case 'TransactWriteItems': return this.#transactWrite(input);
      case 'TransactGetItems': return this.#transactGet(input);
      case 'UpdateTable': return this.#updateTable(input);
      case 'UpdateTimeToLive': return this.#updateTimeToLive(input);
      case 'DescribeTimeToLive': return { TimeToLiveDescription: this.#timeToLive.describe(this.#known(tableOf(input))) };
      case 'PutItem': case 'UpdateItem': case 'DeleteItem':
        return this.#change([tableOf(input)], () => this.#writeItem(operation, input));
      case 'BatchWriteItem':
        return this.#change(Object.keys(input.RequestItems ?? {}), () => this.#store.call(operation, input));
      case 'BatchGetItem':
        return this.#locks.run(Object.keys(input.RequestItems ?? {}), () => this.#store.call(operation, input));
      case 'ListTables': return this.#store.call(operation, input);
      case 'DescribeTable': case 'GetItem': case 'Query': case 'Scan':
        return this.#locks.run([tableOf(input)], () => this.#forward(operation, input));
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
    await this.#locks.run([table], async () => {
      const before = this.#definitions.get(this.#known(table)) ?? {};
      const definition = change(before);
      const items = await this.#scanAll(table);
      // A definition that DynamoDB refuses costs no items.
      await recreate(this.#scratch, definition).catch(async (error: unknown) => {
        await this.#scratch.changeTable('CreateTable', before);
        throw error;
      });
      await recreate(this.#store, definition);
      this.#definitions.set(table, definition);
      for (const Item of items) await this.#store.call('PutItem', { TableName: table, Item });
    });
  }

  async #createTable(input: Json): Promise<Json> {
    const answer = await this.#store.changeTable('CreateTable', input);
    await this.#scratch.changeTable('CreateTable', input);
    this.#definitions.set(tableOf(input), input);
    return this.#withArn(answer);
  }

  async #deleteTable(input: Json): Promise<Json> {
    const answer = await this.#store.changeTable('DeleteTable', input);
    await this.#scratch.changeTable('DeleteTable', input);
    this.#definitions.delete(tableOf(input));
    this.#timeToLive.disable(tableOf(input));
    return this.#withArn(answer);
  }

  async #forward(operation: string, input: Json): Promise<Json> {
    return this.#withArn(await this.#store.call(operation, input));
  }

  async #writeItem(operation: string, input: Json): Promise<Json> {
    const { ReturnValuesOnConditionCheckFailure: wanted, ...rest } = input;
    try {
      return await this.#store.call(operation, rest);
    } catch (error) {
      const failed = error instanceof ServiceError && error.code === 'ConditionalCheckFailedException';
      if (!failed || wanted !== 'ALL_OLD') throw error;
      const TableName = tableOf(input);
      const source = (input.Key ?? input.Item) as Json;
      const Key = Object.fromEntries(this.#keyNames(TableName).map((name) => [name, source[name]]));
      const { Item } = await this.#store.call('GetItem', { TableName, Key, ConsistentRead: true });
      throw new ServiceError(error.code, error.message, 400, Item ? { Item } : {});
    }
  }

  async #transactWrite(input: Json): Promise<Json> {
    const actions = parseActions(input, (table) => this.#keyNames(table));
    return this.#change(actions.map(({ table }) => table), async () => {
      const token = input.ClientRequestToken as string | undefined;
      const fingerprint = createHash('sha256').update(JSON.stringify(input.TransactItems)).digest('hex');
      if (token && this.#wasDone(token, fingerprint)) return {};
      await runTransaction(actions, this.#store, this.#scratch);
      if (token) this.#attempts.set(token, { fingerprint, expiresAt: this.clock.now() + TOKEN_MS });
      return {};
    });
  }

  #wasDone(token: string, fingerprint: string): boolean {
    for (const [known, { expiresAt }] of this.#attempts) {
      if (expiresAt <= this.clock.now()) this.#attempts.delete(known);
    }
    const attempt = this.#attempts.get(token);
    if (attempt && attempt.fingerprint !== fingerprint) {
      throw new ServiceError('IdempotentParameterMismatchException', 'The request uses the same client token as a previous, but non-identical request.');
    }
    return attempt !== undefined;
  }

  async #transactGet(input: Json): Promise<Json> {
    const gets = parseGets(input);
    return this.#locks.run(gets.map(tableOf), async () => {
      const Responses = [];
      for (const get of gets) {
        const { Item } = await this.#store.call('GetItem', { ...get, ConsistentRead: true });
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

  #updateTimeToLive(input: Json): Json {
    const specification = (input.TimeToLiveSpecification ?? {}) as { Enabled?: boolean; AttributeName?: string };
    const { Enabled, AttributeName } = specification;
    const table = this.#known(tableOf(input));
    if (typeof Enabled !== 'boolean' || !AttributeName) {
      throw new ServiceError('ValidationException', 'TimeToLiveSpecification must have Enabled and AttributeName');
    }
    const { AttributeName: current } = this.#timeToLive.describe(table);
    if (Enabled && current !== undefined && current !== AttributeName) {
      throw new ServiceError('ValidationException', `TimeToLive is active on a different AttributeName: current AttributeName is ${String(current)}`);
    }
    if (Enabled === (current !== undefined)) throw new ServiceError('ValidationException', `TimeToLive is already ${Enabled ? 'enabled' : 'disabled'}`);
    if (Enabled) this.#timeToLive.enable(table, AttributeName);
    else this.#timeToLive.disable(table);
    return { TimeToLiveSpecification: { Enabled, AttributeName } };
  }

  async #removeExpired(table: string, expired: (item: Json) => boolean): Promise<void> {
    await this.#locks.run([table], async () => {
      const names = this.#keyNames(table);
      for (const item of (await this.#scanAll(table)).filter(expired)) {
        const Key = Object.fromEntries(names.map((name) => [name, item[name]]));
        await this.#store.call('DeleteItem', { TableName: table, Key });
        this.#savedItems.delete(table);
      }
    });
  }

  async #scanAll(TableName: string): Promise<Json[]> {
    const items: Json[] = [];
    for (let ExclusiveStartKey: unknown; ;) {
      const page = await this.#store.call('Scan', { TableName, ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}) });
      items.push(...(page.Items as Json[]));
      ExclusiveStartKey = page.LastEvaluatedKey;
      if (!ExclusiveStartKey) return items;
    }
  }

  #known(table: string): string {
    if (!this.#definitions.has(table)) {
      throw new ServiceError('ResourceNotFoundException', `Requested resource not found: Table: ${table} not found`);
    }
    return table;
  }

  #keyNames(table: string): string[] {
    const definition = this.#definitions.get(this.#known(table));
    return (definition?.KeySchema as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);
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

  /** dynalite has an account and Region of its own in ARNs. */
  #withArn(answer: Json): Json {
    for (const member of ['Table', 'TableDescription']) {
      const table = answer[member] as Json | undefined;
      if (table) table.TableArn = this.tableArn(String(table.TableName));
    }
    return answer;
  }
}

async function recreate(store: DynaliteStore, definition: Json): Promise<void> {
  await store.changeTable('DeleteTable', { TableName: tableOf(definition) });
  await store.changeTable('CreateTable', definition);
}

function tableOf(input: Json): string {
  return String(input.TableName ?? '');
}

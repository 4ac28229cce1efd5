import { ServiceError } from '../service-error';
import type { Json } from './dynalite-store';
import { DynaliteStore } from './dynalite-store';

/** The tables: in one store what is in them, in another the same tables without items, for attempts. */
export class Tables {
  readonly store = new DynaliteStore();
  readonly scratch = new DynaliteStore();
  readonly #definitions = new Map<string, Json>();

  constructor(private readonly accountInArns: { readonly region: string; readonly account: string }) {}

  async stop(): Promise<void> {
    await Promise.all([this.store.stop(), this.scratch.stop()]);
  }

  names(): string[] {
    return [...this.#definitions.keys()];
  }

  arn(table: string): string {
    return `arn:aws:dynamodb:${this.accountInArns.region}:${this.accountInArns.account}:table/${table}`;
  }

  /** As it was created or last changed. */
  definition(table: string): Json {
    const definition = this.#definitions.get(table);
    if (!definition) throw new ServiceError('ResourceNotFoundException', `Requested resource not found: Table: ${table} not found`);
    return definition;
  }

  /** Attributes of the table's key. */
  keyNames(table: string): string[] {
    return (this.definition(table).KeySchema as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);
  }

  /** The key of an item, or of what has the attributes of its key. */
  keyOf(table: string, source: Json): Json {
    return Object.fromEntries(this.keyNames(table).map((name) => [name, source[name]]));
  }

  async create(input: Json): Promise<Json> {
    const answer = await this.store.changeTable('CreateTable', input);
    await this.scratch.changeTable('CreateTable', input);
    this.#definitions.set(tableOf(input), input);
    return this.withArn(answer);
  }

  async delete(input: Json): Promise<Json> {
    const answer = await this.store.changeTable('DeleteTable', input);
    await this.scratch.changeTable('DeleteTable', input);
    this.#definitions.delete(tableOf(input));
    return this.withArn(answer);
  }

  /** Gives a table another definition, and keeps its items. */
  async redefine(table: string, definition: Json): Promise<void> {
    const before = this.definition(table);
    const items = await this.items(table);
    // A definition that DynamoDB refuses costs no items.
    await recreate(this.scratch, definition).catch(async (error: unknown) => {
      await this.scratch.changeTable('CreateTable', before);
      throw error;
    });
    await recreate(this.store, definition);
    this.#definitions.set(table, definition);
    await this.fill(table, items);
  }

  async items(TableName: string): Promise<Json[]> {
    const items: Json[] = [];
    for (let ExclusiveStartKey: unknown; ;) {
      const page = await this.store.call('Scan', { TableName, ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}) });
      items.push(...(page.Items as Json[]));
      ExclusiveStartKey = page.LastEvaluatedKey;
      if (!ExclusiveStartKey) return items;
    }
  }

  async fill(TableName: string, items: readonly Json[]): Promise<void> {
    for (const Item of items) await this.store.call('PutItem', { TableName, Item });
  }

  /** dynalite has an account and Region of its own in ARNs. */
  withArn(answer: Json): Json {
    for (const member of ['Table', 'TableDescription']) {
      const table = answer[member] as Json | undefined;
      if (table) table.TableArn = this.arn(String(table.TableName));
    }
    return answer;
  }
}

/** The table that the input of an operation names. */
export function tableOf({ TableName }: Json): string {
  return typeof TableName === 'string' ? TableName : '';
}

async function recreate(store: DynaliteStore, definition: Json): Promise<void> {
  await store.changeTable('DeleteTable', { TableName: tableOf(definition) });
  await store.changeTable('CreateTable', definition);
}

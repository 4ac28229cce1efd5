import { GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Clock } from './clock';
import type { SandboxRecord } from './sandbox-record';
import { REMEMBER_MS } from './sandbox-table';
import type { Change, Claim, ClaimOutcome, Ending, IdempotencyEntry, SandboxTable } from './sandbox-table';
import { changeExpression, claimCondition, endExpression, inSeconds, setExpression } from './table-expressions';
import { POOL_TABLE } from '../../src/contract/pool';

type Item = Record<string, unknown>;
type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

const TRANSACTION_ATTEMPTS = 8;

const itemKey = (kind: string, id: string) => ({ [POOL_TABLE.partitionKey]: kind, [POOL_TABLE.sortKey]: id });
const COUNT = itemKey('pool', 'count');

/** The pool's table in DynamoDB: one partition each for sandboxes, keys, idempotency keys and the pool's count. */
export class DynamoTable implements SandboxTable {
  constructor(
    private readonly client: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly tableName: string,
    private readonly clock: Clock,
  ) {}

  async get(sandboxId: string): Promise<SandboxRecord | undefined> {
    return toRecord(await this.read(itemKey('sandbox', sandboxId)));
  }

  async findKey(key: string): Promise<{ readonly sandboxId: string } | undefined> {
    const item = await this.read(itemKey('key', key));
    return item && { sandboxId: item.sandboxId as string };
  }

  async findIdempotencyKey(key: string, now: number): Promise<IdempotencyEntry | undefined> {
    const item = await this.read(itemKey('idempotency', key));
    // The time to live deletes days late.
    if (!item || (item[POOL_TABLE.timeToLive] as number) < inSeconds(now)) return undefined;
    return { sandboxId: item.sandboxId as string, requestFingerprint: item.requestFingerprint as string };
  }

  async insert(record: SandboxRecord, claim: Claim): Promise<ClaimOutcome> {
    const [sandbox, count] = [this.putSandbox(record), this.countUp(claim)];
    const keys = this.putKeys(record, claim);
    const refused = await this.transact([sandbox, count, ...keys]);
    if (!refused) return 'inserted';
    if (refused.slice(2).some(Boolean) || refused[0]) return 'lost';
    const pool = await this.read(COUNT);
    if (pool?.closed) return 'closed';
    const barred = pool?.barred === claim.startFingerprint && (pool.barredUntil as number) > claim.now;
    return barred ? 'barred' : 'exhausted';
  }

  async change(record: SandboxRecord, change: Change): Promise<SandboxRecord | undefined> {
    try {
      const { Attributes } = await this.client.send(new UpdateCommand({
        TableName: this.tableName,
        Key: itemKey('sandbox', record.sandboxId),
        ...changeExpression(record, change),
        ReturnValues: 'ALL_NEW',
      }));
      return toRecord(Attributes);
    } catch (error) {
      if ((error as Error).name === 'ConditionalCheckFailedException') return undefined;
      throw error;
    }
  }

  async end(record: SandboxRecord, ending: Ending): Promise<boolean> {
    const writes = [this.markEnded(record, ending), this.countDown()];
    const owned: Write[] = [];
    if (record.key !== undefined) owned.push(this.deleteOwn('key', record.key, record.sandboxId));
    if (record.idempotencyKey !== undefined && ending.neverUsed) {
      owned.push(this.deleteOwn('idempotency', record.idempotencyKey, record.sandboxId));
    }
    const refused = await this.transact([...writes, ...owned]);
    if (!refused) return true;
    if (refused[0]) return false;
    // A key that another sandbox took over in the meantime stays with it.
    const own = owned.filter((_, index) => !refused[writes.length + index]);
    return !(await this.transact([...writes, ...own]));
  }

  async close(): Promise<void> {
    await this.mark({ closed: true });
  }

  async bar(startFingerprint: string, until: number): Promise<void> {
    await this.mark({ barred: startFingerprint, barredUntil: until });
  }

  async page(after: string | undefined, limit: number): Promise<{ records: SandboxRecord[]; next?: string }> {
    const { Items = [], LastEvaluatedKey } = await this.client.send(new QueryCommand({
      TableName: this.tableName,
      ConsistentRead: true,
      KeyConditionExpression: '#kind = :kind',
      ExpressionAttributeNames: { '#kind': POOL_TABLE.partitionKey },
      ExpressionAttributeValues: { ':kind': 'sandbox' },
      Limit: limit,
      ...(after !== undefined && { ExclusiveStartKey: itemKey('sandbox', after) }),
    }));
    const records = Items.flatMap((item) => toRecord(item) ?? []);
    return { records, ...(LastEvaluatedKey && { next: LastEvaluatedKey[POOL_TABLE.sortKey] as string }) };
  }

  /** Sets members of the pool's count, which every insertion reads. */
  private async mark(members: object): Promise<void> {
    const { expression, names, values } = setExpression(members);
    await this.client.send(new UpdateCommand({
      TableName: this.tableName,
      Key: COUNT,
      UpdateExpression: expression,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    }));
  }

  private async read(key: Record<string, string>): Promise<Item | undefined> {
    const command = new GetCommand({ TableName: this.tableName, Key: key, ConsistentRead: true });
    const { Item } = await this.client.send(command);
    return Item;
  }

  private putSandbox(record: SandboxRecord): Write {
    return {
      Put: {
        TableName: this.tableName,
        Item: { ...itemKey('sandbox', record.sandboxId), ...record },
        ConditionExpression: 'attribute_not_exists(#id)',
        ExpressionAttributeNames: { '#id': POOL_TABLE.sortKey },
      },
    };
  }

  private countUp(claim: Claim): Write {
    const { expression, names, values } = claimCondition(claim);
    return {
      Update: {
        TableName: this.tableName,
        Key: COUNT,
        UpdateExpression: 'ADD #active :one',
        ConditionExpression: expression,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ...values, ':one': 1 },
      },
    };
  }

  private countDown(): Write {
    return {
      Update: {
        TableName: this.tableName,
        Key: COUNT,
        UpdateExpression: 'ADD #active :minusOne',
        ExpressionAttributeNames: { '#active': 'active' },
        ExpressionAttributeValues: { ':minusOne': -1 },
      },
    };
  }

  private putKeys({ sandboxId, key, idempotencyKey }: SandboxRecord, claim: Claim): Write[] {
    const writes: Write[] = [];
    if (key !== undefined) {
      writes.push({
        Put: {
          TableName: this.tableName,
          Item: { ...itemKey('key', key), sandboxId },
          ConditionExpression: claim.replaces === undefined ? 'attribute_not_exists(#id)' : 'attribute_not_exists(#id) OR #owner = :replaces',
          ExpressionAttributeNames: { '#id': POOL_TABLE.sortKey, ...(claim.replaces !== undefined && { '#owner': 'sandboxId' }) },
          ...(claim.replaces !== undefined && { ExpressionAttributeValues: { ':replaces': claim.replaces } }),
        },
      });
    }
    if (idempotencyKey !== undefined) {
      const { requestFingerprint, now } = claim;
      writes.push({
        Put: {
          TableName: this.tableName,
          Item: {
            ...itemKey('idempotency', idempotencyKey), sandboxId, requestFingerprint, [POOL_TABLE.timeToLive]: inSeconds(now + REMEMBER_MS),
          },
          ConditionExpression: 'attribute_not_exists(#id) OR #removeAfter < :now',
          ExpressionAttributeNames: { '#id': POOL_TABLE.sortKey, '#removeAfter': POOL_TABLE.timeToLive },
          ExpressionAttributeValues: { ':now': inSeconds(now) },
        },
      });
    }
    return writes;
  }

  private markEnded(record: SandboxRecord, ending: Ending): Write {
    return { Update: { TableName: this.tableName, Key: itemKey('sandbox', record.sandboxId), ...endExpression(record, ending) } };
  }

  private deleteOwn(kind: 'key' | 'idempotency', id: string, sandboxId: string): Write {
    return {
      Delete: {
        TableName: this.tableName,
        Key: itemKey(kind, id),
        ConditionExpression: 'attribute_not_exists(#id) OR #owner = :me',
        ExpressionAttributeNames: { '#id': POOL_TABLE.sortKey, '#owner': 'sandboxId' },
        ExpressionAttributeValues: { ':me': sandboxId },
      },
    };
  }

  /** Undefined if it was written, else for each write whether its condition was the one that failed. */
  private async transact(writes: Write[]): Promise<boolean[] | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.send(new TransactWriteCommand({ TransactItems: writes }));
        return undefined;
      } catch (error) {
        const reasons = (error as { CancellationReasons?: { Code?: string }[] }).CancellationReasons ?? [];
        const refused = reasons.map(({ Code }) => Code === 'ConditionalCheckFailed');
        if (refused.some(Boolean)) return refused;
        // All creates meet at the count. DynamoDB cancels those that collide, and the SDK does not try again.
        if ((error as Error).name !== 'TransactionCanceledException' || attempt === TRANSACTION_ATTEMPTS) throw error;
        await this.clock.sleep(Math.random() * Math.min(1000, 25 * 2 ** attempt));
      }
    }
  }
}

function toRecord(item: Item | undefined): SandboxRecord | undefined {
  if (!item) return undefined;
  const { partitionKey, sortKey, timeToLive } = POOL_TABLE;
  const { [partitionKey]: _kind, [sortKey]: _id, [timeToLive]: _removeAfter, ...record } = item;
  // Only this class writes the partition, and it writes records.
  return record as unknown as SandboxRecord;
}

import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { Dynamo } from './dynamo';
import { TestClock } from './test-clock';
import { DynamoTable } from '../../lambda/pool/dynamo-table';
import type { SandboxRecord } from '../../lambda/pool/sandbox-record';

const dynamo = new Dynamo();
const clock = new TestClock();
const now = clock.time;

beforeAll(() => dynamo.start());
afterAll(() => dynamo.close());
beforeEach(() => dynamo.clear());

const record: SandboxRecord = {
  sandboxId: 'sbx-1',
  state: 'starting',
  generation: 2,
  metadata: {},
  key: 'k',
  idempotencyKey: 'i',
  createdAt: now,
  expiresAt: now + 60_000,
  hardExpiresAt: now + 90_000,
  daemonPort: null,
  hookPort: null,
  launch: { clientToken: 't', request: '{}', fingerprint: 'f', secret: 's' },
};
const claim = { now, maxSandboxes: 3, requestFingerprint: 'r', startFingerprint: 's' };
const table = () => new DynamoTable(dynamo, 'pool', clock);

/** Answers one transaction after the other with the given errors, then with success. */
function scripted(...errors: Error[]) {
  const sent: TransactWriteCommand[] = [];
  const send: any = async (command: TransactWriteCommand) => {
    sent.push(command);
    const error = errors.shift();
    if (error) throw error;
    return {};
  };
  return { table: new DynamoTable({ send }, 'pool', clock), sent };
}

const cancelled = (...codes: string[]) => Object.assign(new Error('cancelled'), {
  name: 'TransactionCanceledException', CancellationReasons: codes.map((Code) => ({ Code })),
});

it('insert is one transaction of record, count and keys', async () => {
  const { table: scriptedTable, sent } = scripted();
  expect(await scriptedTable.insert(record, { ...claim, replaces: 'sbx-0' })).toBe('inserted');
  expect(sent.map(({ input }) => input)).toEqual([{
    TransactItems: [
      {
        Put: {
          TableName: 'pool',
          Item: { kind: 'sandbox', id: 'sbx-1', ...record },
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': 'id' },
        },
      },
      {
        Update: {
          TableName: 'pool',
          Key: { kind: 'pool', id: 'count' },
          UpdateExpression: 'ADD #active :one',
          ConditionExpression: 'attribute_not_exists(#closed) AND (attribute_not_exists(#active) OR #active < :max) '
            + 'AND (attribute_not_exists(#barred) OR #barred <> :start OR #barredUntil <= :now)',
          ExpressionAttributeNames: { '#active': 'active', '#closed': 'closed', '#barred': 'barred', '#barredUntil': 'barredUntil' },
          ExpressionAttributeValues: { ':one': 1, ':max': 3, ':start': 's', ':now': now },
        },
      },
      {
        Put: {
          TableName: 'pool',
          Item: { kind: 'key', id: 'k', sandboxId: 'sbx-1' },
          ConditionExpression: 'attribute_not_exists(#id) OR #owner = :replaces',
          ExpressionAttributeNames: { '#id': 'id', '#owner': 'sandboxId' },
          ExpressionAttributeValues: { ':replaces': 'sbx-0' },
        },
      },
      {
        Put: {
          TableName: 'pool',
          Item: { kind: 'idempotency', id: 'i', sandboxId: 'sbx-1', requestFingerprint: 'r', removeAfter: Math.ceil(now / 1000) + 86_400 },
          ConditionExpression: 'attribute_not_exists(#id) OR #removeAfter < :now',
          ExpressionAttributeNames: { '#id': 'id', '#removeAfter': 'removeAfter' },
          ExpressionAttributeValues: { ':now': Math.ceil(now / 1000) },
        },
      },
    ],
  }]);
});

it('end is one transaction of record, count and the keys that are still its own', async () => {
  const { table: scriptedTable, sent } = scripted();
  const ending = { from: ['starting', 'terminating'] as const, reason: 'killed', now, neverUsed: true };
  expect(await scriptedTable.end(record, ending)).toBe(true);
  const own = (kind: string, id: string) => ({
    Delete: {
      TableName: 'pool',
      Key: { kind, id },
      ConditionExpression: 'attribute_not_exists(#id) OR #owner = :me',
      ExpressionAttributeNames: { '#id': 'id', '#owner': 'sandboxId' },
      ExpressionAttributeValues: { ':me': 'sbx-1' },
    },
  });
  expect(sent.map(({ input }) => input)).toEqual([{
    TransactItems: [
      {
        Update: {
          TableName: 'pool',
          Key: { kind: 'sandbox', id: 'sbx-1' },
          UpdateExpression: 'SET #state = :state, #reason = :reason, #endedAt = :endedAt, #removeAfter = :removeAfter REMOVE #launch',
          ConditionExpression: 'attribute_exists(#id) AND #generation = :generation AND #state IN (:from0, :from1)',
          ExpressionAttributeNames: {
            '#id': 'id',
            '#generation': 'generation',
            '#state': 'state',
            '#reason': 'reason',
            '#endedAt': 'endedAt',
            '#removeAfter': 'removeAfter',
            '#launch': 'launch',
          },
          ExpressionAttributeValues: {
            ':from0': 'starting',
            ':from1': 'terminating',
            ':generation': 2,
            ':state': 'terminated',
            ':reason': 'killed',
            ':endedAt': now,
            ':removeAfter': Math.ceil(now / 1000) + 86_400,
          },
        },
      },
      {
        Update: {
          TableName: 'pool',
          Key: { kind: 'pool', id: 'count' },
          UpdateExpression: 'ADD #active :minusOne',
          ExpressionAttributeNames: { '#active': 'active' },
          ExpressionAttributeValues: { ':minusOne': -1 },
        },
      },
      own('key', 'k'),
      own('idempotency', 'i'),
    ],
  }]);
});

it('a microVM that was learned at the end is written down', async () => {
  const { table: scriptedTable, sent } = scripted();
  await scriptedTable.end(record, { from: ['terminating'], reason: 'r', now, microvmId: 'microvm-7', neverUsed: true });
  expect(sent[0].input.TransactItems?.[0].Update).toMatchObject({
    UpdateExpression: expect.stringContaining(', #microvmId = :microvmId'), ExpressionAttributeValues: { ':microvmId': 'microvm-7' },
  });
});

it('a used sandbox keeps its idempotency key', async () => {
  const { table: scriptedTable, sent } = scripted();
  await scriptedTable.end(record, { from: ['running'], reason: 'r', now, neverUsed: false });
  expect(sent[0].input.TransactItems).toHaveLength(3);
});

it('a transaction that collided is tried again', async () => {
  const { table: scriptedTable, sent } = scripted(cancelled('None', 'TransactionConflict', 'None', 'None'), cancelled('ThrottlingError'));
  expect(await scriptedTable.insert(record, claim)).toBe('inserted');
  expect(sent).toHaveLength(3);
});

it.each([
  [cancelled('None', 'ConditionalCheckFailed', 'None', 'None'), 'exhausted'],
  [cancelled('None', 'ConditionalCheckFailed', 'ConditionalCheckFailed', 'None'), 'lost'],
  [cancelled('None', 'None', 'None', 'ConditionalCheckFailed'), 'lost'],
])('a refused insert says which condition it was: %#', async (error, outcome) => {
  expect(await scripted(error).table.insert(record, claim)).toBe(outcome);
});

it('fails after eight collisions, and at once for any other error', async () => {
  const collisions = scripted(...Array.from({ length: 9 }, () => cancelled('TransactionConflict')));
  await expect(collisions.table.insert(record, claim)).rejects.toThrow('cancelled');
  expect(collisions.sent).toHaveLength(8);
  const denied = scripted(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
  await expect(denied.table.insert(record, claim)).rejects.toThrow('no');
  expect(denied.sent).toHaveLength(1);
});

describe('on a real table', () => {
  it('reads back what was written, without the table\'s own attributes', async () => {
    await table().insert(record, claim);
    expect(await table().get('sbx-1')).toEqual(record);
    expect(await table().findKey('k')).toEqual({ sandboxId: 'sbx-1' });
    expect(await table().findIdempotencyKey('i', now)).toEqual({ sandboxId: 'sbx-1', requestFingerprint: 'r' });
    expect(await table().get('sbx-2')).toBeUndefined();
    expect(await table().findKey('x')).toBeUndefined();
  });

  it('changes nothing for another generation, another state, or a lease on the wrong side', async () => {
    await table().insert(record, claim);
    const change = { from: ['starting'] as const, set: { state: 'running' as const } };
    for (const [seen, what] of [
      [{ ...record, generation: 1 }, change],
      [{ ...record, generation: 3 }, change],
      [record, { ...change, from: ['running', 'paused'] as const }],
      [record, { ...change, lease: { goodAt: record.expiresAt } }],
      [record, { ...change, lease: { endedAt: record.expiresAt - 1 } }],
      [{ ...record, sandboxId: 'sbx-9' }, change],
    ] as const) {
      expect(await table().change(seen, what)).toBeUndefined();
    }
    expect(await table().get('sbx-1')).toEqual(record);
    expect(await table().get('sbx-9')).toBeUndefined();
    expect(await table().change(record, { ...change, lease: { goodAt: record.expiresAt - 1 } })).toEqual({ ...record, state: 'running' });
  });

  it('ends nothing for an older generation, and nothing twice', async () => {
    await table().insert(record, claim);
    const ending = { from: ['starting'] as const, reason: 'r', now, neverUsed: true };
    expect(await table().end({ ...record, generation: 1 }, ending)).toBe(false);
    expect(await table().end(record, ending)).toBe(true);
    expect(await table().end(record, ending)).toBe(false);
    expect(await dynamo.count()).toBe(0);
    // One to insert, and one for each answer: a refusal is not asked for twice.
    expect(dynamo.transactions).toHaveLength(4);
  });

  it('pages through the sandboxes only', async () => {
    for (const sandboxId of ['sbx-1', 'sbx-2', 'sbx-3']) await table().insert({ ...record, sandboxId, key: sandboxId, idempotencyKey: sandboxId }, claim);
    const first = await table().page(undefined, 2);
    expect(first.records.map(({ sandboxId }) => sandboxId)).toEqual(['sbx-1', 'sbx-2']);
    expect((await table().page(first.next, 2)).records.map(({ sandboxId }) => sandboxId)).toEqual(['sbx-3']);
  });
});

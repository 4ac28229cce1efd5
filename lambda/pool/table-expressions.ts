import type { SandboxRecord } from './sandbox-record';
import type { Change, Claim } from './sandbox-table';
import type { SandboxState } from '../../client/src/protocol/allocator';
import { POOL_TABLE } from '../../src/contract/pool';

/** A DynamoDB condition with the names and values it mentions. */
export interface Condition {
  readonly expression: string;
  readonly names: Record<string, string>;
  readonly values: Record<string, unknown>;
}

/** Holds for the record in one of the states and in the generation that the caller saw: an older generation changes nothing. */
export function stateCondition({ generation }: SandboxRecord, states: readonly SandboxState[]): Condition {
  const values = Object.fromEntries(states.map((state, index) => [`:from${index}`, state]));
  return {
    expression: `attribute_exists(#id) AND #generation = :generation AND #state IN (${Object.keys(values).join(', ')})`,
    names: { '#id': POOL_TABLE.sortKey, '#generation': 'generation', '#state': 'state' },
    values: { ...values, ':generation': generation },
  };
}

/** Holds for the pool's count while the pool gives out what this claim asks for. */
export function claimCondition({ maxSandboxes, startFingerprint, now }: Claim): Condition {
  return {
    expression: [
      'attribute_not_exists(#closed)',
      '(attribute_not_exists(#active) OR #active < :max)',
      '(attribute_not_exists(#barred) OR #barred <> :start OR #barredUntil <= :now)',
    ].join(' AND '),
    names: { '#closed': 'closed', '#active': 'active', '#barred': 'barred', '#barredUntil': 'barredUntil' },
    values: { ':max': maxSandboxes, ':start': startFingerprint, ':now': now },
  };
}

/** The update of one record, as UpdateItem takes it. */
export function changeExpression(record: SandboxRecord, change: Change) {
  const condition = stateCondition(record, change.from);
  const set = Object.entries(change.set).filter(([, value]) => value !== undefined);
  const others = [
    leaseCondition(change.lease), intentCondition(change.clientToken), unsharedCondition(change.unshared),
  ];
  const all = [condition, ...others.flatMap((other) => other ?? [])];
  return {
    UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: all.map(({ expression }) => expression).join(' AND '),
    ExpressionAttributeNames: {
      ...merged(all.map(({ names }) => names)),
      ...Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
    },
    ExpressionAttributeValues: {
      ...merged(all.map(({ values }) => values)),
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
    },
  };
}

function merged<T>(records: Record<string, T>[]): Record<string, T> {
  return Object.fromEntries(records.flatMap((record) => Object.entries(record)));
}

function leaseCondition(lease: Change['lease']): Condition | undefined {
  if (!lease) return undefined;
  const names = { '#expiresAt': 'expiresAt' };
  return 'goodAt' in lease
    ? { expression: '#expiresAt > :leaseAt', names, values: { ':leaseAt': lease.goodAt } }
    : { expression: '#expiresAt <= :leaseAt', names, values: { ':leaseAt': lease.endedAt } };
}

function intentCondition(clientToken: string | undefined): Condition | undefined {
  if (clientToken === undefined) return undefined;
  return {
    expression: '#launch.#clientToken = :clientToken',
    names: { '#launch': 'launch', '#clientToken': 'clientToken' },
    values: { ':clientToken': clientToken },
  };
}

/** Holds while nobody but the call that made the record may have sent its intent. */
export function unsharedCondition(unshared: boolean | undefined): Condition | undefined {
  return unshared ? { expression: 'attribute_not_exists(#shared)', names: { '#shared': 'shared' }, values: {} } : undefined;
}

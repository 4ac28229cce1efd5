import type { SandboxRecord } from './sandbox-record';
import type { Change } from './sandbox-table';
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

/** The update of one record, as UpdateItem takes it. */
export function changeExpression(record: SandboxRecord, change: Change) {
  const condition = stateCondition(record, change.from);
  const set = Object.entries(change.set).filter(([, value]) => value !== undefined);
  const lease = leaseCondition(change.lease);
  return {
    UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: [condition.expression, lease?.expression].filter(Boolean).join(' AND '),
    ExpressionAttributeNames: {
      ...condition.names,
      ...Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
      ...lease?.names,
    },
    ExpressionAttributeValues: {
      ...condition.values,
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
      ...lease?.values,
    },
  };
}

function leaseCondition(lease: Change['lease']): Condition | undefined {
  if (!lease) return undefined;
  const names = { '#expiresAt': 'expiresAt' };
  return 'goodAt' in lease
    ? { expression: '#expiresAt > :leaseAt', names, values: { ':leaseAt': lease.goodAt } }
    : { expression: '#expiresAt <= :leaseAt', names, values: { ':leaseAt': lease.endedAt } };
}

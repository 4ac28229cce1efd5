import type { SandboxRecord } from './sandbox-record';
import { REMEMBER_MS } from './sandbox-table';
import type { Change, Claim, Ending } from './sandbox-table';
import type { SandboxState } from '../../client/src/protocol/allocator';
import { POOL_TABLE } from '../../src/contract/pool';

/** As the time to live takes it. */
export const inSeconds = (epochMs: number): number => Math.ceil(epochMs / 1000);

/** A DynamoDB condition or update with the names and values it mentions. */
export interface Expression {
  readonly expression: string;
  readonly names: Record<string, string>;
  readonly values: Record<string, unknown>;
}

/** Holds for the record in one of the states and in the generation that the caller saw: an older generation changes nothing. */
function stateCondition({ generation }: SandboxRecord, states: readonly SandboxState[]): Expression {
  const values = Object.fromEntries(states.map((state, index) => [`:from${index}`, state]));
  return {
    expression: `attribute_exists(#id) AND #generation = :generation AND #state IN (${Object.keys(values).join(', ')})`,
    names: { '#id': POOL_TABLE.sortKey, '#generation': 'generation', '#state': 'state' },
    values: { ...values, ':generation': generation },
  };
}

/** Holds for the pool's count while the pool gives out what this claim asks for. */
export function claimCondition({ maxSandboxes, startFingerprint, now }: Claim): Expression {
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

/** A DynamoDB update that sets the members which are not undefined. */
export function setExpression(members: object): Expression {
  const set = Object.entries(members).filter(([, value]) => value !== undefined);
  return {
    expression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
  };
}

/** The update of one record, as UpdateItem takes it. */
export function changeExpression(record: SandboxRecord, change: Change) {
  return conditional(setExpression(change.set), [
    stateCondition(record, change.from),
    leaseCondition(change.lease),
    intentCondition(change.clientToken),
    unsharedCondition(change.unshared),
  ]);
}

/** The update of a record that ends, as UpdateItem takes it. */
export function endExpression(record: SandboxRecord, { from, reason, now, microvmId, unshared }: Ending) {
  const { expression, names, values } = setExpression({
    state: 'terminated', reason, endedAt: now, microvmId, [POOL_TABLE.timeToLive]: inSeconds(now + REMEMBER_MS),
  });
  const update = { expression: `${expression} REMOVE #launch`, names: { ...names, '#launch': 'launch' }, values };
  return conditional(update, [stateCondition(record, from), unsharedCondition(unshared)]);
}

function conditional(update: Expression, conditions: readonly (Expression | undefined)[]) {
  const all = conditions.flatMap((condition) => condition ?? []);
  return {
    UpdateExpression: update.expression,
    ConditionExpression: all.map(({ expression }) => expression).join(' AND '),
    ExpressionAttributeNames: merged([...all, update].map(({ names }) => names)),
    ExpressionAttributeValues: merged([...all, update].map(({ values }) => values)),
  };
}

function merged<T>(records: Record<string, T>[]): Record<string, T> {
  return Object.fromEntries(records.flatMap((record) => Object.entries(record)));
}

function leaseCondition(lease: Change['lease']): Expression | undefined {
  if (!lease) return undefined;
  const names = { '#expiresAt': 'expiresAt' };
  return 'goodAt' in lease
    ? { expression: '#expiresAt > :leaseAt', names, values: { ':leaseAt': lease.goodAt } }
    : { expression: '#expiresAt <= :leaseAt', names, values: { ':leaseAt': lease.endedAt } };
}

function intentCondition(clientToken: string | undefined): Expression | undefined {
  if (clientToken === undefined) return undefined;
  return {
    expression: '#launch.#clientToken = :clientToken',
    names: { '#launch': 'launch', '#clientToken': 'clientToken' },
    values: { ':clientToken': clientToken },
  };
}

/** Holds while nobody but the call that made the record may have sent its intent. */
function unsharedCondition(unshared: boolean | undefined): Expression | undefined {
  return unshared ? { expression: 'attribute_not_exists(#shared)', names: { '#shared': 'shared' }, values: {} } : undefined;
}

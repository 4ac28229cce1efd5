import { invalid } from './errors';
import { assertJsonType, type JsonType } from './json-type';

/** What the service's model says about a member. Checks of `members`, `items` and `keys` run on what is inside. */
export interface Rule {
  readonly type: JsonType;
  readonly required?: boolean;
  /** Its value is not repeated in messages. */
  readonly sensitive?: boolean;
  /** Length of a string, number of entries of a list or map, value of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly values?: readonly string[];
  readonly members?: Readonly<Record<string, Rule>>;
  /** Of a list's items or a map's values. */
  readonly items?: Rule;
  /** Of a map's keys. */
  readonly keys?: Rule;
}

export type Members = Readonly<Record<string, Rule>>;

/** Checks a request's members and reports every breach at once, in the service's words. */
export function check(input: Readonly<Record<string, unknown>>, members: Members): void {
  const breaches = findBreaches(input, members);
  if (breaches) throw invalid(breaches);
}

/** The text that reports every breach; undefined if there is none. */
export function findBreaches(input: Readonly<Record<string, unknown>>, members: Members): string | undefined {
  const breaches = checkMembers(input, members, '');
  if (breaches.length === 0) return undefined;
  return `${breaches.length} validation error${breaches.length === 1 ? '' : 's'} detected: ${breaches.join('; ')}`;
}

function checkMembers(input: Readonly<Record<string, unknown>>, members: Members, prefix: string): string[] {
  return Object.entries(members).flatMap(([name, rule]) => checkValue(input[name] ?? null, rule, prefix + name));
}

function checkValue(value: unknown, rule: Rule, path: string): string[] {
  if (value === null) return rule.required ? [breach(value, rule, path, 'Member must not be null')] : [];
  assertJsonType(value, rule.type);
  const breaches = broken(value, rule).map((constraint) => breach(value, rule, path, constraint));
  return [...breaches, ...checkInside(value, rule, path)];
}

function broken(value: unknown, rule: Rule): string[] {
  const { min, max, pattern, values } = rule;
  const size = sizeOf(value);
  const breaks = [
    max !== undefined && size > max,
    min !== undefined && size < min,
    pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'su').test(String(value)),
    values !== undefined && !values.includes(String(value)),
    rule.type === 'union' && size !== 1,
  ];
  return constraintsOf(rule).filter((_, index) => breaks[index]).filter((constraint) => constraint !== '');
}

/** The words for each constraint of a rule; empty for one that it has not. */
function constraintsOf({ type, min, max, pattern, values }: Rule): string[] {
  const what = type === 'integer' ? 'value' : 'length';
  return [
    max === undefined ? '' : `Member must have ${what} less than or equal to ${max}`,
    min === undefined ? '' : `Member must have ${what} greater than or equal to ${min}`,
    pattern === undefined ? '' : `Member must satisfy regular expression pattern: ${pattern}`,
    values === undefined ? '' : `Member must satisfy enum value set: [${values.join(', ')}]`,
    type === 'union' ? 'Member must have exactly one of its members set' : '',
  ];
}

function checkInside(value: unknown, rule: Rule, path: string): string[] {
  const { members, items, keys } = rule;
  if (members) return checkMembers(value as Record<string, unknown>, members, `${path}.`);
  if (!items) return [];
  if (items.members) {
    return (value as unknown[]).flatMap((item, index) => checkValue(item, { ...items, required: true }, `${path}.${index + 1}.member`));
  }
  const [what, found] = Array.isArray(value) ? ['Member', value] : ['Map value', Object.values(value as object)];
  const brokenKeys = keys && Object.keys(value as object).some((key) => broken(key, keys).length > 0);
  // What is wrong with a plain entry is told of the whole list or map, with all that is asked of its entries.
  return [
    ...(keys && brokenKeys ? [breach(value, rule, path, asked('Map keys', keys))] : []),
    ...(found.some((item) => isBroken(item, items)) ? [breach(value, rule, path, asked(what, items))] : []),
  ];
}

function isBroken(item: unknown, rule: Rule): boolean {
  if (item === null) return true;
  assertJsonType(item, rule.type);
  return broken(item, rule).length > 0;
}

function asked(what: string, rule: Rule): string {
  const constraints = [...constraintsOf(rule).filter((constraint) => constraint !== ''), 'Member must not be null'];
  return `${what} must satisfy constraint: [${constraints.join(', ')}]`;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.values(value).filter((item) => item !== null).length : 0;
}

function breach(value: unknown, rule: Rule, path: string, constraint: string): string {
  const shown = rule.sensitive && value !== null ? '' : ` ${value === null ? 'null' : `'${render(value)}'`}`;
  return `Value${shown} at '${path}' failed to satisfy constraint: ${constraint}`;
}

function render(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(render).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value).map(([key, item]) => `${key}=${render(item)}`).join(', ')}}`;
}

import { invalid, ServiceError } from './errors';

/** What the service's model says about a member. Checks of `members`, `items` and `values` run on what is inside. */
export interface Rule {
  readonly type: 'string' | 'integer' | 'boolean' | 'list' | 'map' | 'structure';
  readonly required?: boolean;
  /** Its value is not repeated in messages. */
  readonly sensitive?: boolean;
  /** Length of a string, number of entries of a list or map, value of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly values?: readonly string[];
  readonly members?: Readonly<Record<string, Rule>>;
  readonly items?: Rule;
}

export type Members = Readonly<Record<string, Rule>>;

/** Checks a request's members and reports every breach at once, in the service's words. */
export function check(input: Readonly<Record<string, unknown>>, members: Members): void {
  const breaches = checkMembers(input, members, '');
  if (breaches.length === 0) return;
  const count = `${breaches.length} validation error${breaches.length === 1 ? '' : 's'} detected: `;
  throw invalid(count + breaches.join('; '));
}

function checkMembers(input: Readonly<Record<string, unknown>>, members: Members, prefix: string): string[] {
  return Object.entries(members).flatMap(([name, rule]) => checkValue(input[name] ?? null, rule, prefix + name));
}

function checkValue(value: unknown, rule: Rule, path: string): string[] {
  if (value === null) return rule.required ? [breach(value, rule, path, 'Member must not be null')] : [];
  assertType(value, rule);
  return [...checkBounds(value, rule, path), ...checkInside(value, rule, path)];
}

function checkBounds(value: unknown, rule: Rule, path: string): string[] {
  const { min, max, pattern, values } = rule;
  const size = sizeOf(value);
  const what = rule.type === 'integer' ? 'value' : 'length';
  const broken: string[] = [];
  if (max !== undefined && size > max) broken.push(`Member must have ${what} less than or equal to ${max}`);
  if (min !== undefined && size < min) broken.push(`Member must have ${what} greater than or equal to ${min}`);
  if (pattern && !new RegExp(`^(?:${pattern})$`, 's').test(String(value))) {
    broken.push(`Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (values && !values.includes(String(value))) broken.push(`Member must satisfy enum value set: [${values.join(', ')}]`);
  return broken.map((constraint) => breach(value, rule, path, constraint));
}

function checkInside(value: unknown, rule: Rule, path: string): string[] {
  const { members, items } = rule;
  if (members) return checkMembers(value as Record<string, unknown>, members, `${path}.`);
  if (!items) return [];
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index + 1, item] as const)
    : Object.entries(value as object);
  return entries.flatMap(([key, item]) => checkValue(item, items, `${path}.${key}.member`));
}

function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

function assertType(value: unknown, rule: Rule): void {
  const fits = {
    string: typeof value === 'string',
    integer: Number.isInteger(value),
    boolean: typeof value === 'boolean',
    list: Array.isArray(value),
    map: typeof value === 'object' && !Array.isArray(value),
    structure: typeof value === 'object' && !Array.isArray(value),
  }[rule.type];
  // A JSON value of another type fails in the service's parser, ahead of all constraints.
  if (!fits) throw new ServiceError('SerializationException', rule.type === 'structure' ? 'Expected null' : `Expected ${rule.type}`);
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

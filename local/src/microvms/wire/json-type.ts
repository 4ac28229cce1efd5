import { unreadable } from './errors';

export type JsonType = 'string' | 'integer' | 'boolean' | 'list' | 'map' | 'structure' | 'union';

const NAMES = { string: 'a String', integer: 'an Integer', boolean: 'a Boolean' } as const;
const MAX_INTEGER = 2 ** 31 - 1;

/** Refuses a value of another JSON type, in the words of the service's parser. */
export function assertJsonType(value: unknown, type: JsonType): void {
  const nested = typeof value === 'object';
  const list = Array.isArray(value);
  if (type === 'structure' || type === 'union') {
    if (!nested || list) throw unreadable('Expected null');
  } else if (type === 'map') {
    if (!nested || list) throw unreadable('Expected map or null');
  } else if (type === 'list') {
    if (!list) throw unreadable('Expected list or null');
  } else if (nested) {
    throw unreadable(`Start of ${list ? 'list' : 'structure or map'} found where not expected.`);
  } else if (!fits(value, type)) {
    throw unreadable(`${tokenOf(value)} can not be converted to ${NAMES[type]}`);
  }
}

/** Query parameters by the names of `types`, converted. Parameters that were not sent are left out. */
export function readQuery(
  query: URLSearchParams,
  types: Readonly<Record<string, { readonly type: JsonType }>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(types).flatMap(([name, { type }]): [string, unknown][] => {
    const text = query.get(name);
    if (text === null) return [];
    if (type !== 'integer') return [[name, text]];
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : text;
    assertJsonType(value, type);
    return [[name, value]];
  }));
}

function fits(value: unknown, type: 'string' | 'integer' | 'boolean'): boolean {
  if (type === 'integer') return Number.isInteger(value) && Math.abs(Number(value)) <= MAX_INTEGER;
  return typeof value === type;
}

function tokenOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE';
  return typeof value === 'number' ? 'NUMBER_VALUE' : 'STRING_VALUE';
}

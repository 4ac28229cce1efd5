/** The resolved properties of a resource. */
export type Properties = Readonly<Record<string, unknown>>;

/** CloudFormation takes numbers and booleans for strings, and strings for both. */
export function optionalString(properties: Properties, name: string): string | undefined {
  const value = properties[name];
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw wrong(name, 'a string', value);
}

export function requiredString(properties: Properties, name: string): string {
  const value = optionalString(properties, name);
  if (value === undefined) throw new Error(`Properties validation failed: property ${name} is required`);
  return value;
}

export function optionalNumber(properties: Properties, name: string): number | undefined {
  const value = properties[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw wrong(name, 'a number', value);
  return number;
}

export function optionalBoolean(properties: Properties, name: string): boolean | undefined {
  const value = properties[name];
  if (value === undefined || typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrong(name, 'a boolean', value);
}

export function record(properties: Properties, name: string): Properties {
  const value = properties[name] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, 'an object', value);
  return value as Properties;
}

export function strings(properties: Properties, name: string): string[] {
  return list(properties, name).map((value) => {
    if (typeof value !== 'string') throw wrong(name, 'a list of strings', value);
    return value;
  });
}

export function records(properties: Properties, name: string): Properties[] {
  return list(properties, name).map((value) => {
    if (typeof value !== 'object' || value === null) throw wrong(name, 'a list of objects', value);
    return value as Properties;
  });
}

function list(properties: Properties, name: string): unknown[] {
  const value = properties[name] ?? [];
  if (!Array.isArray(value)) throw wrong(name, 'a list', value);
  return value;
}

function wrong(name: string, expected: string, value: unknown): Error {
  return new Error(`Properties validation failed: property ${name} must be ${expected}, got ${typeof value}`);
}

import { DaemonError, invalid } from '../errors';
import type { Bounds, Exchange } from './exchange';
import { bodyOf } from './exchange';

export const MAX_JSON_BYTES = 1024 * 1024;

/** The fields of a JSON object; each is checked as it is taken. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, allowed: readonly string[]) {
    this.#values = values;
    for (const name of Object.keys(values)) {
      // Ignoring one would run something else than the caller asked for.
      if (!allowed.includes(name)) throw invalid(`${shown(name)}: unknown field; allowed: ${allowed.join(', ')}`);
    }
  }

  get(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string' || value === '') throw invalid(`${name}: ${shown(value)} is not a text of at least one character`);
    return withoutNul(name, value);
  }

  optionalText(name: string): string | undefined {
    return this.get(name) === undefined ? undefined : this.text(name);
  }

  flag(name: string): boolean {
    const value = this.get(name) ?? false;
    if (typeof value !== 'boolean') throw invalid(`${name}: ${shown(value)} is neither true nor false`);
    return value;
  }

  optionalInteger(name: string, bounds: Bounds): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < bounds.min || value > bounds.max) {
      throw invalid(`${name}: ${shown(value)} is not a whole number from ${bounds.min} to ${bounds.max}`);
    }
    return value;
  }
}

/** A value as an error shows it, cut. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}

/** The system ends a text at its first NUL, so another text would be used than was checked. */
export function withoutNul(name: string, value: string): string {
  if (value.includes('\0')) throw invalid(`${name}: holds a NUL character`);
  return value;
}

export async function readJson(exchange: Exchange, allowed: readonly string[]): Promise<Fields> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyOf(exchange)) {
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw new DaemonError('too_large', `the JSON body is larger than ${MAX_JSON_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Fields(parseObject(Buffer.concat(chunks)), allowed);
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('the body is not JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body is not a JSON object');
  return value as Record<string, unknown>;
}

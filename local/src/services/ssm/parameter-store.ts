import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';

export const PARAMETER_TYPES = ['String', 'StringList', 'SecureString'] as const;

export type ParameterType = (typeof PARAMETER_TYPES)[number];

export interface ParameterDetails {
  readonly type: ParameterType;
  readonly description?: string;
}

/** A parameter as it is. Only the newest version is kept. */
export interface StoredParameter extends ParameterDetails {
  readonly name: string;
  readonly value: string;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/**
 * Systems Manager parameters by name. A map of values; what else there is to tell about each is beside them. A preset is what stands in
 * for a parameter until one is made: it can be read, but it is not in the way of whoever makes it, and is there again after it is deleted.
 */
export class ParameterStore extends Map<string, string> implements Persistent {
  readonly #details = new Map<string, Omit<StoredParameter, 'name' | 'value'>>();
  readonly #presets = new Map<string, string>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {
    super();
  }

  preset(name: string, value: string): void {
    this.#presets.set(name, value);
  }

  override get(name: string): string | undefined {
    return super.get(name) ?? this.#presets.get(name);
  }

  override set(name: string, value: string): this {
    return this.put(name, value);
  }

  /** Without details: a new one is a `String`, an old one keeps what it has. */
  put(name: string, value: string, details?: ParameterDetails): this {
    const before = this.#details.get(name);
    const { type, description } = details ?? before ?? { type: 'String' };
    const version = (before?.version ?? 0) + 1;
    const modifiedAt = this.clock.now();
    this.#details.set(name, { type, version, modifiedAt, ...(description !== undefined && { description }) });
    return super.set(name, value);
  }

  override delete(name: string): boolean {
    this.#details.delete(name);
    return super.delete(name);
  }

  override clear(): void {
    this.#details.clear();
    super.clear();
  }

  parameter(name: string): StoredParameter | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const details = this.#details.get(name) ?? { type: 'String', version: 1, modifiedAt: this.clock.now() };
    return { name, value, ...details };
  }

  /** Every parameter, presets too, in the order of their names. */
  parameters(): StoredParameter[] {
    const names = [...new Set([...this.#presets.keys(), ...this.keys()])].sort();
    return names.flatMap((name) => this.parameter(name) ?? []);
  }

  save(): unknown {
    return [...this.keys()].map((name) => this.parameter(name));
  }

  restore(state: unknown): void {
    for (const { name, value, ...details } of state as StoredParameter[]) {
      super.set(name, value);
      this.#details.set(name, details);
    }
  }
}

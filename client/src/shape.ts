import { isErrorCode, SandboxError } from './errors';
import type { ErrorBody } from './protocol';

const LONGEST_MESSAGE = 2000;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** A value from outside, read field by field. A wrong shape is an error that names the field and never shows the value. */
export class Shape {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  get absent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  get(name: string): Shape {
    const object = this.#object();
    return new Shape(Object.hasOwn(object, name) ? object[name] : undefined, `${this.#path}.${name}`);
  }

  text(most: number, pattern?: RegExp): string {
    if (typeof this.#value !== 'string' || this.#value.length > most) return this.#fail(`a string of at most ${most} characters`);
    if (pattern && !pattern.test(this.#value)) return this.#fail(`text like ${pattern.source}`);
    return this.#value;
  }

  integer(least: number, most: number): number {
    const value = this.#value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      return this.#fail(`an integer from ${least} to ${most}`);
    }
    return value;
  }

  /** Epoch milliseconds or a duration: finite and not negative. */
  milliseconds(): number {
    const value = this.#value;
    if (typeof value !== 'number' || !(value >= 0) || value > 8.64e15) return this.#fail('a number of milliseconds');
    return value;
  }

  flag(): boolean {
    return typeof this.#value === 'boolean' ? this.#value : this.#fail('true or false');
  }

  oneOf<T extends string>(choices: readonly T[]): T {
    return choices.find((choice) => choice === this.#value) ?? this.#fail(`one of ${choices.join(', ')}`);
  }

  list(): Shape[] {
    if (!Array.isArray(this.#value)) return this.#fail('a list');
    return this.#value.map((item, index) => new Shape(item, `${this.#path}[${index}]`));
  }

  /** An object, each field read by `read`. */
  record<T>(read: (field: Shape) => T): Record<string, T> {
    const fields = Object.entries(this.#object());
    return Object.fromEntries(fields.map(([name, value]) => [name, read(new Shape(value, `${this.#path}.*`))]));
  }

  #object(): Record<string, unknown> {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value)) return this.#fail('an object');
    return this.#value as Record<string, unknown>;
  }

  #fail(expected: string): never {
    throw new SandboxError(`malformed answer: ${this.#path} must be ${expected}`);
  }
}

/** Parses JSON from outside. The parser's own error is dropped: it quotes the text, which may hold a secret. */
export function parseJson(text: string, path: string): Shape {
  try {
    return new Shape(JSON.parse(text), path);
  } catch {
    throw new SandboxError(`malformed answer: ${path} is not JSON`);
  }
}

export function readErrorBody(shape: Shape): ErrorBody {
  const code = shape.get('code').text(64);
  const after = shape.get('retryAfterMs');
  return {
    code: isErrorCode(code) ? code : 'internal',
    message: printable(shape.get('message').text(1_000_000)),
    retryable: shape.get('retryable').flag(),
    retryAfterMs: after.absent ? undefined : Math.min(after.milliseconds(), LONGEST_RETRY_AFTER_MS),
  };
}

/** Cuts text from outside to what may stand in a message: terminals obey control characters. */
export function printable(text: string): string {
  return text.slice(0, LONGEST_MESSAGE).replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

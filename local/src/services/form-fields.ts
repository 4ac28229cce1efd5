import { ServiceError } from './service-error';

/** Far more than the most parameters, tags and resources that an operation takes. */
const MAX_FIELDS = 5000;

/** The fields of a form. Of a name that is there twice the first counts, as for who decides about the request. */
export class FormFields {
  readonly #values = new Map<string, string>();
  /** In order, so that those with the same beginning stand together. */
  readonly #names: readonly string[];

  constructor(form: URLSearchParams) {
    if (form.size > MAX_FIELDS) {
      throw new ServiceError('RequestEntityTooLarge', `the form has ${form.size} fields; at most ${MAX_FIELDS} are allowed`, 413);
    }
    for (const [name, value] of form) if (!this.#values.has(name)) this.#values.set(name, value);
    this.#names = [...this.#values.keys()].sort();
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Those that begin so. */
  * namesWith(beginning: string): Generator<string> {
    for (let at = this.#firstFrom(beginning); this.#names[at]?.startsWith(beginning); at++) yield this.#names[at];
  }

  /** Place of the first name that is not before this one. */
  #firstFrom(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#names[middle] < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

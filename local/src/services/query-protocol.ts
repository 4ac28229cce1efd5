import { XMLBuilder } from 'fast-xml-parser';
import type { ApiRequest, ApiResponse } from '../api';
import { protocolError } from '../protocol-error';
import { FormFields } from './form-fields';
import { ServiceError } from './service-error';

/** Far more than the largest template with the most parameters takes. */
const MAX_FORM_BYTES = 4 * 1024 ** 2;

/** What XML has no way to say. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', processEntities: false });

/** A parser would make a line feed of a bare carriage return. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

/** The members of a request as AWS's query protocol writes them, as in `Tags.member.1.Key`. */
export class QueryInput {
  constructor(private readonly fields: FormFields, private readonly prefix = '') {}

  /** Undefined: it was not sent, or sent empty. */
  string(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  /** As `string`, but an empty value is one. */
  text(name: string): string | undefined {
    return this.fields.get(this.prefix + name);
  }

  required(name: string): string {
    const value = this.string(name);
    if (value === undefined) throw constraint(name, 'null', 'Member must not be null');
    return value;
  }

  boolean(name: string): boolean | undefined {
    const value = this.string(name)?.toLowerCase();
    if (value === undefined || value === 'true' || value === 'false') return value === undefined ? undefined : value === 'true';
    throw constraint(name, `'${value.slice(0, 64)}'`, 'Member must be true or false');
  }

  integer(name: string, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw constraint(name, `'${value.slice(0, 64)}'`, `Member must be a whole number between ${min} and ${max}`);
  }

  /** Undefined: the list was not sent. */
  strings(name: string): string[] | undefined {
    return this.#members(name)?.map((member) => this.fields.get(member) ?? '');
  }

  /** As `strings`, for members that have members. */
  records(name: string): QueryInput[] | undefined {
    return this.#members(name)?.map((member) => new QueryInput(this.fields, `${member}.`));
  }

  /** Whether any of it was sent with a value. */
  has(name: string): boolean {
    const [below] = this.fields.namesWith(`${this.prefix}${name}.`);
    return below !== undefined || this.string(name) !== undefined;
  }

  /** Names of the list's members, in their order. An empty list is sent as an empty value. */
  #members(name: string): string[] | undefined {
    const stem = `${this.prefix}${name}.member.`;
    const indices = new Set<number>();
    for (const key of this.fields.namesWith(stem)) {
      const index = /^[1-9]\d{0,4}(?=\.|$)/.exec(key.slice(stem.length))?.[0];
      if (index === undefined) throw new ServiceError('MalformedQueryString', `${key.slice(0, 128)} is not the member of a list`);
      indices.add(Number(index));
    }
    if (indices.size === 0 && this.text(name) === undefined) return undefined;
    return [...indices].sort((a, b) => a - b).map((index) => stem + index);
  }
}

/** An operation of a service that takes a form and answers XML: arrays become lists, dates ISO 8601, undefined is left out. */
export type QueryOperation = (input: QueryInput, request: ApiRequest) => unknown;

export interface QueryService {
  /** In the credential scope, as in `sts`. */
  readonly name: string;
  readonly namespace: string;
  readonly operations: Readonly<Record<string, QueryOperation>>;
}

/** AWS's name of what a form asks for; empty if it names nothing. */
export function queryOperation(request: ApiRequest): string {
  return request.body.length > MAX_FORM_BYTES ? '' : formOf(request).get('Action') ?? '';
}

/** Answers a request of the AWS query protocol. */
export async function answerQuery(request: ApiRequest, service: QueryService): Promise<ApiResponse> {
  const { name, namespace, operations } = service;
  try {
    if (request.body.length > MAX_FORM_BYTES) throw new ServiceError('RequestEntityTooLarge', `the form is larger than ${MAX_FORM_BYTES} bytes`, 413);
    const form = formOf(request);
    const action = form.get('Action') ?? '';
    const operation = Object.hasOwn(operations, action) ? operations[action] : undefined;
    if (!operation) throw new ServiceError('InvalidAction', `the local cloud's ${name} has no operation "${action.slice(0, 64)}"`);
    const result = await operation(new QueryInput(new FormFields(form)), request);
    const body = builder.build({
      [`${action}Response`]: {
        '@xmlns': namespace,
        [`${action}Result`]: xmlValue(result ?? {}),
        'ResponseMetadata': { RequestId: crypto.randomUUID() },
      },
    });
    return { status: 200, headers: { 'content-type': 'text/xml' }, body };
  } catch (error) {
    const known = error instanceof ServiceError ? error : new ServiceError('InternalFailure', String(error), 500);
    return protocolError(name, new ServiceError(known.code, known.message.replace(NOT_XML, '\ufffd'), known.status));
  }
}

/** A member that is not as it has to be, in the words that AWS's services share. */
export function constraint(name: string, value: string, demand: string): ServiceError {
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  return new ServiceError('ValidationError', `1 validation error detected: Value ${value} at '${member}' failed to satisfy constraint: ${demand}`);
}

/** The members of a request, wherever its method puts them. */
export function formOf({ method, query, body }: ApiRequest): URLSearchParams {
  return method === 'GET' ? query : new URLSearchParams(body.toString());
}

function xmlValue(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.length === 0 ? '' : { member: value.map(xmlValue) };
  if (value === null || typeof value !== 'object') return xmlText(String(value));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, xmlValue(member)]));
}

function xmlText(text: string): string {
  return text.replace(NOT_XML, '\ufffd').replace(/[&<>"\r]/g, (character) => ENTITIES[character]);
}

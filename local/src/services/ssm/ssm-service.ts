import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import { answerJson, ServiceError } from '../service-error';
import type { ParameterStore, ParameterType, StoredParameter } from './parameter-store';
import { PARAMETER_TYPES } from './parameter-store';

interface ParameterFilter {
  readonly Key?: string;
  readonly Option?: string;
  readonly Values?: readonly string[];
}

interface SsmInput {
  readonly Name?: string;
  readonly Names?: readonly string[];
  readonly Path?: string;
  readonly Recursive?: boolean;
  readonly Value?: string;
  readonly Type?: string;
  readonly Description?: string;
  readonly Overwrite?: boolean;
  readonly WithDecryption?: boolean;
  readonly MaxResults?: number;
  readonly NextToken?: string;
  readonly ParameterFilters?: readonly ParameterFilter[];
}

export interface SsmOptions {
  readonly account: string;
  readonly region: string;
}

const NAME = /^(?:[a-zA-Z0-9_.-]+|(?:\/[a-zA-Z0-9_.-]+){1,15})$/;
const MAX_NAME = 1011;
const MAX_VALUE_BYTES = 4096;
const MAX_NAMES = 10;

/** Systems Manager's Parameter Store. */
export class SsmService implements ApiService {
  constructor(private readonly store: ParameterStore, private readonly options: SsmOptions) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerJson<SsmInput>(request, 'Systems Manager', {
      GetParameter: (input) => this.#getParameter(input),
      GetParameters: (input) => this.#getParameters(input),
      GetParametersByPath: (input) => this.#getParametersByPath(input),
      PutParameter: (input) => this.#putParameter(input),
      DeleteParameter: (input) => this.#deleteParameter(input),
      DeleteParameters: (input) => this.#deleteParameters(input),
      DescribeParameters: (input) => this.#describeParameters(input),
    });
  }

  #getParameter({ Name, WithDecryption }: SsmInput): object {
    const name = required('Name', Name);
    const parameter = this.store.parameter(this.#nameIn(name));
    if (!parameter) throw new ServiceError('ParameterNotFound', `Parameter ${name} not found.`);
    return { Parameter: this.#shown(parameter, WithDecryption) };
  }

  #getParameters({ Names, WithDecryption }: SsmInput): object {
    const found = namesOf(Names).map((name) => ({ name, parameter: this.store.parameter(this.#nameIn(name)) }));
    return {
      Parameters: found.flatMap(({ parameter }) => (parameter ? [this.#shown(parameter, WithDecryption)] : [])),
      InvalidParameters: found.filter(({ parameter }) => !parameter).map(({ name }) => name),
    };
  }

  #getParametersByPath(input: SsmInput): object {
    const path = required('Path', input.Path);
    if (!path.startsWith('/')) throw new ServiceError('ValidationException', `The parameter path must begin with a slash "/": "${path.slice(0, 128)}"`);
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const below = this.store.parameters().filter(({ name }) => {
      return name.startsWith(prefix) && (input.Recursive === true || !name.slice(prefix.length).includes('/'));
    });
    const { page, NextToken } = paged(below, input, 10);
    return { Parameters: page.map((parameter) => this.#shown(parameter, input.WithDecryption)), NextToken };
  }

  #putParameter({ Name, Value, Type, Description, Overwrite }: SsmInput): object {
    const name = required('Name', Name);
    if (!NAME.test(name) || name.length > MAX_NAME) {
      throw new ServiceError('ValidationException', `Parameter name "${name.slice(0, 128)}": only a-zA-Z0-9_.- in up to 15 levels, each after a slash, and ${MAX_NAME} characters are allowed`);
    }
    if (/^\/?(?:aws|ssm)/i.test(name)) {
      throw new ServiceError('ValidationException', `Parameter name "${name.slice(0, 128)}": a name cannot be prefixed with "aws" or "ssm" (case-insensitive).`);
    }
    const value = required('Value', Value);
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES) throw new ServiceError('ValidationException', `Standard tier parameters support a maximum parameter value of ${MAX_VALUE_BYTES} characters.`);
    const before = this.store.has(name) ? this.store.parameter(name) : undefined;
    if (before && Overwrite !== true) {
      throw new ServiceError('ParameterAlreadyExists', 'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.');
    }
    this.store.put(name, value, { type: typeOf(Type, before), description: Description ?? before?.description });
    return { Version: this.store.parameter(name)?.version, Tier: 'Standard' };
  }

  #deleteParameter({ Name }: SsmInput): object {
    const name = required('Name', Name);
    if (!this.store.delete(this.#nameIn(name))) throw new ServiceError('ParameterNotFound', `Parameter ${name} not found.`);
    return {};
  }

  #deleteParameters({ Names }: SsmInput): object {
    const tried = namesOf(Names).map((name) => ({ name, isDeleted: this.store.delete(this.#nameIn(name)) }));
    return {
      DeletedParameters: tried.filter(({ isDeleted }) => isDeleted).map(({ name }) => name),
      InvalidParameters: tried.filter(({ isDeleted }) => !isDeleted).map(({ name }) => name),
    };
  }

  #describeParameters(input: SsmInput): object {
    const filters = (input.ParameterFilters ?? []).map(filterOf);
    const wanted = this.store.parameters().filter((parameter) => filters.every((accepts) => accepts(parameter)));
    const { page, NextToken } = paged(wanted, input, 50);
    const Parameters = page.map((parameter) => {
      const { Value: _value, ...described } = this.#shown(parameter, false);
      return { ...described, Description: parameter.description, Tier: 'Standard' };
    });
    return { Parameters, NextToken };
  }

  /** A `SecureString` is stored as it is; only who asks for its decryption sees it. */
  #shown({ name, value, type, version, modifiedAt }: StoredParameter, isDecrypted = false) {
    return {
      Name: name,
      Type: type,
      Value: type === 'SecureString' && !isDecrypted ? Buffer.from(`encrypted version ${version}`).toString('base64') : value,
      Version: version,
      LastModifiedDate: modifiedAt / 1000,
      ARN: `arn:aws:ssm:${this.options.region}:${this.options.account}:parameter${name.startsWith('/') ? '' : '/'}${name}`,
      DataType: 'text',
    };
  }

  /** Takes the ARN of a parameter of this account for its name. */
  #nameIn(nameOrArn: string): string {
    const { region, account } = this.options;
    const prefix = `arn:aws:ssm:${region}:${account}:parameter`;
    if (!nameOrArn.startsWith(`${prefix}/`)) return nameOrArn;
    const path = nameOrArn.slice(prefix.length);
    // In an ARN both a name with and one without a slash have one.
    return this.store.parameter(path) ? path : path.slice(1);
  }
}

function required(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ServiceError('ValidationException', `1 validation error detected: Value null at '${name.toLowerCase()}' failed to satisfy constraint: Member must not be null`);
}

function namesOf(names: readonly string[] | undefined): readonly string[] {
  if (Array.isArray(names) && names.length > 0 && names.length <= MAX_NAMES) return names.map((name) => required('Names', name));
  throw new ServiceError('ValidationException', `Names: 1 to ${MAX_NAMES} names are needed, got ${names?.length ?? 0}`);
}

function typeOf(type: string | undefined, before: StoredParameter | undefined): ParameterType {
  if (type === undefined && before) return before.type;
  if (type === undefined) throw new ServiceError('ValidationException', 'A parameter type is required when you create a parameter.');
  const known = PARAMETER_TYPES.find((other) => other === type);
  if (!known) throw new ServiceError('UnsupportedParameterType', `Type ${String(type).slice(0, 32)} is not one of ${PARAMETER_TYPES.join(', ')}`);
  return known;
}

function filterOf({ Key, Option = 'Equals', Values = [] }: ParameterFilter): (parameter: StoredParameter) => boolean {
  const read = { Name: ({ name }: StoredParameter) => name, Type: ({ type }: StoredParameter) => type }[Key ?? ''];
  if (!read || (Option !== 'Equals' && Option !== 'BeginsWith')) {
    throw new ServiceError('InvalidFilterKey', `ParameterFilters: the local cloud has the keys Name and Type with the options Equals and BeginsWith, got ${Key} ${Option}`);
  }
  return (parameter) => Values.some((value) => (Option === 'Equals' ? read(parameter) === value : read(parameter).startsWith(value)));
}

/** The token is the name that the page before ended with. */
function paged(
  all: readonly StoredParameter[],
  { MaxResults, NextToken }: SsmInput,
  most: number,
): { page: StoredParameter[]; NextToken?: string } {
  const size = MaxResults ?? most;
  if (!Number.isInteger(size) || size < 1 || size > most) throw new ServiceError('ValidationException', `MaxResults: 1 to ${most} is allowed, got ${size}`);
  const after = NextToken === undefined ? undefined : Buffer.from(NextToken, 'base64url').toString();
  const following = all.filter(({ name }) => after === undefined || name > after);
  const page = following.slice(0, size);
  const last = page.at(-1);
  return { page, ...(last && following.length > size && { NextToken: Buffer.from(last.name).toString('base64url') }) };
}

import { cidrBlocks } from './cidr';
import { resolveDynamicReferences } from './dynamic-references';
import type { Template } from './template';

/** What a template's functions read from outside of it. */
export interface ResolverOptions {
  readonly template: Template;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly account: string;
  readonly region: string;
  readonly stackName: string;
  readonly stackId: string;
  /** Systems Manager parameters by name. */
  readonly ssmParameters: ReadonlyMap<string, string>;
  /** The value of `Ref` to a resource. */
  readonly ref: (logicalId: string) => unknown;
  readonly attribute: (logicalId: string, name: string) => unknown;
  readonly importValue: (name: string) => unknown;
  /** Decides the conditions of the template where this resolver does not see every value. */
  readonly condition?: (name: string) => boolean;
}

/** `AWS::NoValue`: the property or the element that has it is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

const JOIN_ARGUMENTS = 'Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined';

function isValue(value: unknown): boolean {
  return value !== NO_VALUE;
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

type Intrinsic = (argument: unknown) => unknown;

/** Evaluates the functions of a template. */
export class Resolver {
  readonly #pseudo: Readonly<Record<string, unknown>>;
  readonly #intrinsics: Readonly<Record<string, Intrinsic>> = {
    'Ref': (name) => this.#ref(String(name)),
    'Condition': (name) => this.condition(String(name)),
    'Fn::GetAtt': (argument) => this.#getAtt(argument),
    'Fn::Sub': (argument) => this.#sub(argument),
    'Fn::Join': (argument) => this.#join(argument),
    'Fn::Select': (argument) => this.#select(argument),
    'Fn::Split': (argument) => this.#split(argument),
    'Fn::If': (argument) => this.#value(this.#branch(argument)),
    'Fn::Equals': (argument) => this.#equals(argument),
    'Fn::And': (argument) => this.#list(argument, 'Fn::And').every((value) => value === true),
    'Fn::Or': (argument) => this.#list(argument, 'Fn::Or').some((value) => value === true),
    'Fn::Not': (argument) => this.#list(argument, 'Fn::Not')[0] !== true,
    'Fn::Contains': (argument) => this.#contains(argument),
    'Fn::EachMemberEquals': (argument) => this.#eachMemberIn(argument),
    'Fn::EachMemberIn': (argument) => this.#eachMemberIn(argument),
    'Fn::FindInMap': (argument) => this.#findInMap(argument),
    'Fn::ImportValue': (argument) => this.options.importValue(String(this.#value(argument))),
    'Fn::Base64': (argument) => Buffer.from(String(this.#value(argument))).toString('base64'),
    'Fn::GetAZs': (argument) => ['a', 'b', 'c'].map((zone) => `${String(this.#value(argument)) || this.options.region}${zone}`),
    'Fn::Cidr': (argument) => this.#cidr(argument),
    'Fn::Length': (argument) => this.#list(argument, 'Fn::Length').length,
    'Fn::ToJsonString': (argument) => JSON.stringify(this.#value(argument)),
  };

  constructor(private readonly options: ResolverOptions) {
    const { account, region, stackName, stackId } = options;
    this.#pseudo = {
      'AWS::AccountId': account,
      'AWS::Region': region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stackName,
      'AWS::StackId': stackId,
      'AWS::NotificationARNs': [],
      'AWS::NoValue': NO_VALUE,
    };
  }

  /** The value with every function and every dynamic reference in it evaluated. */
  resolve(value: unknown): unknown {
    const resolved = this.#value(value);
    return resolved === NO_VALUE ? undefined : resolveDynamicReferences(resolved, this.options.ssmParameters);
  }

  condition(name: string): boolean {
    if (this.options.condition) return this.options.condition(name);
    const condition = this.options.template.Conditions?.[name];
    if (condition === undefined) throw new Error(`the template has no condition "${name}"`);
    return this.#value(condition) === true;
  }

  /** The value with each `Fn::If` in it replaced by the branch that is taken, and nothing else evaluated. */
  prune(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((element) => this.prune(element));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && entries[0][0] === 'Fn::If') return this.prune(this.#branch(entries[0][1]));
    return Object.fromEntries(entries.map(([key, element]) => [key, this.prune(element)]));
  }

  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((element) => this.#value(element)).filter(isValue);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries.length === 1 ? entries[0] : [];
    // A policy's statement has a key Condition, too; there its value is an object.
    const isFunction = name !== undefined && (name === 'Ref' || name.startsWith('Fn::') || (name === 'Condition' && typeof argument === 'string'));
    if (!isFunction) {
      const values = entries.map(([key, element]) => [key, this.#value(element)] as const);
      return Object.fromEntries(values.filter(([, element]) => isValue(element)));
    }
    const intrinsic = Object.hasOwn(this.#intrinsics, name) ? this.#intrinsics[name] : undefined;
    if (!intrinsic) throw new Error(`the local cloud does not know the template function ${name}`);
    return intrinsic(argument);
  }

  #list(argument: unknown, name: string): unknown[] {
    const list = this.#value(argument);
    if (!Array.isArray(list)) throw new Error(`Template error: ${name} takes a list`);
    return list;
  }

  #ref(name: string): unknown {
    if (Object.hasOwn(this.#pseudo, name)) return this.#pseudo[name];
    if (Object.hasOwn(this.options.parameters, name)) return this.options.parameters[name];
    return this.options.ref(name);
  }

  #getAtt(argument: unknown): unknown {
    const [logicalId, ...rest] = typeof argument === 'string' ? argument.split('.') : (argument as unknown[]);
    return this.options.attribute(String(logicalId), String(this.#value(rest.length > 1 ? rest.join('.') : rest[0])));
  }

  #sub(argument: unknown): unknown {
    const pair = Array.isArray(argument) ? argument : [argument, {}];
    const [text, variables] = pair as [string, Record<string, unknown>];
    return text.replaceAll(/\$\{(!?)([^}]+)\}/g, (_, literal: string, given: string) => {
      if (literal) return `\${${given}}`;
      const name = given.trim();
      const value = this.#variable(name, variables);
      if (!isScalar(value)) throw new Error(`Template error: variable ${name} in Fn::Sub expression does not resolve to a string`);
      return String(value);
    });
  }

  #variable(name: string, variables: Readonly<Record<string, unknown>>): unknown {
    if (Object.hasOwn(variables, name)) return this.#value(variables[name]);
    return name.includes('.') ? this.#getAtt(name) : this.#ref(name);
  }

  #join(argument: unknown): string {
    const [separator, values] = this.#list(argument, 'Fn::Join');
    if (!Array.isArray(values) || !values.every(isScalar)) throw new Error(JOIN_ARGUMENTS);
    return values.map(String).join(String(separator));
  }

  #select(argument: unknown): unknown {
    const [index, values] = this.#list(argument, 'Fn::Select');
    const value = Array.isArray(values) ? values[Number(index)] : undefined;
    if (value === undefined) throw new Error(`Template error: Fn::Select cannot select nonexistent value at index ${String(index)}`);
    return value;
  }

  #split(argument: unknown): string[] {
    const [separator, text] = this.#list(argument, 'Fn::Split');
    if (!isScalar(text)) throw new Error('Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split');
    return String(text).split(String(separator));
  }

  /** Only the branch that is taken may refer to things that exist. */
  #branch(argument: unknown): unknown {
    if (!Array.isArray(argument) || argument.length !== 3) throw new Error('Template error: Fn::If requires a list argument with three elements');
    const [condition, then, otherwise] = argument as [string, unknown, unknown];
    return this.condition(condition) ? then : otherwise;
  }

  #equals(argument: unknown): boolean {
    const [left, right] = this.#list(argument, 'Fn::Equals');
    return String(left) === String(right);
  }

  #contains(argument: unknown): boolean {
    const [values, wanted] = this.#list(argument, 'Fn::Contains');
    return [values].flat().map(String).includes(String(wanted));
  }

  #eachMemberIn(argument: unknown): boolean {
    const [values, allowed] = this.#list(argument, 'Fn::EachMemberIn');
    const known = [allowed].flat().map(String);
    return [values].flat().every((value) => known.includes(String(value)));
  }

  #findInMap(argument: unknown): unknown {
    const [map, first, second, fallback] = this.#list(argument, 'Fn::FindInMap') as [string, string, string, unknown];
    const found = this.options.template.Mappings?.[map]?.[first]?.[second];
    if (found !== undefined) return found;
    const defaultValue = (fallback as { DefaultValue?: unknown } | undefined)?.DefaultValue;
    if (defaultValue === undefined) throw new Error(`Template error: Unable to get mapping for ${map}::${first}::${second}`);
    return defaultValue;
  }

  #cidr(argument: unknown): string[] {
    const [block, count, bits] = this.#list(argument, 'Fn::Cidr');
    return cidrBlocks(String(block), Number(count), Number(bits ?? 8));
  }
}

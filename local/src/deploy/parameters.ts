import type { StackRecord } from './stack-engine';
import type { Template, TemplateParameter } from './template';
import { isSecret, MASK } from './template';
import { formatError } from './template-text';
import { ServiceError } from '../services/service-error';

const TYPE = /^(?:String|Number|CommaDelimitedList|List<(?:Number|String|AWS::[A-Za-z0-9:]+)>|AWS::(?!SSM::Parameter::Value)[A-Za-z0-9:]+)$/;
const STORED_TYPE = /^AWS::SSM::Parameter::Value<(.+)>$/;

/** A parameter of a stack with the value that the template sees. */
export interface ParameterValue {
  readonly key: string;
  /** As it was given, or the default. For a stored one: the name in the Parameter Store. */
  readonly given: string;
  /** What `Ref` answers. */
  readonly value: string | readonly string[];
  readonly isSecret: boolean;
  readonly isStored: boolean;
}

/** The value of each parameter: given, else its default; SSM parameters are looked up. Throws CloudFormation's `ValidationError`s. */
export function parameterValues(
  { Parameters = {} }: Template,
  given: Readonly<Record<string, string>>,
  ssmParameters: ReadonlyMap<string, string>,
): ParameterValue[] {
  const extra = Object.keys(given).filter((name) => !Object.hasOwn(Parameters, name));
  if (extra.length > 0) throw invalid(`Parameters: [${extra.join(', ')}] do not exist in the template`);
  const hasValue = (name: string): boolean => (given[name] ?? Parameters[name].Default) !== undefined;
  const missing = Object.keys(Parameters).filter((name) => !hasValue(name));
  if (missing.length > 0) throw invalid(`Parameters: [${missing.join(', ')}] must have values`);
  return Object.entries(Parameters).map(([key, parameter]) => {
    return valueOf(key, parameter, { given: String(given[key] ?? parameter.Default), ssmParameters });
  });
}

/** As DescribeStacks shows it. */
export function shownParameter(parameter: ParameterValue): StackRecord['parameters'][number] {
  const { key, given, value, isStored } = parameter;
  if (parameter.isSecret) return { key, value: MASK };
  return { key, value: given, ...(isStored && { resolvedValue: [value].flat().join(',') }) };
}

function valueOf(
  key: string,
  parameter: TemplateParameter,
  { given, ssmParameters }: { readonly given: string; readonly ssmParameters: ReadonlyMap<string, string> },
): ParameterValue {
  const stored = STORED_TYPE.exec(parameter.Type)?.[1];
  const type = stored ?? parameter.Type;
  if (!TYPE.test(type)) throw formatError(`Unrecognized parameter type: ${parameter.Type}`);
  const isList = type === 'CommaDelimitedList' || type.startsWith('List<');
  const values = (text: string): string[] => (isList ? text.split(',').map((item) => item.trim()) : [text]);
  check(key, parameter, stored === undefined && isList ? values(given) : [given]);
  if (stored === undefined && type.includes('Number')) values(given).forEach((value) => checkNumber(key, parameter, value));
  const isStored = stored !== undefined;
  const text = isStored ? lookUp(given, ssmParameters) : given;
  return { key, given, value: isList ? values(text) : text, isSecret: isSecret(parameter), isStored };
}

function lookUp(name: string, ssmParameters: ReadonlyMap<string, string>): string {
  const value = ssmParameters.get(name);
  if (value !== undefined) return value;
  throw invalid(`Unable to fetch parameters [${name}] from parameter store for this account.`);
}

function check(key: string, parameter: TemplateParameter, values: readonly string[]): void {
  const { AllowedValues, AllowedPattern, MinLength, MaxLength } = parameter;
  for (const value of values) {
    if (AllowedValues && !AllowedValues.map(String).includes(value)) fail(key, parameter, 'must be one of AllowedValues');
    if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) fail(key, parameter, `must match pattern ${AllowedPattern}`);
    if (MinLength !== undefined && value.length < Number(MinLength)) fail(key, parameter, `must contain at least ${MinLength} characters`);
    if (MaxLength !== undefined && value.length > Number(MaxLength)) fail(key, parameter, `must contain at most ${MaxLength} characters`);
  }
}

function checkNumber(key: string, parameter: TemplateParameter, value: string): void {
  const { MinValue, MaxValue } = parameter;
  const number = value.trim() === '' ? NaN : Number(value);
  if (!Number.isFinite(number)) fail(key, parameter, 'must be a number');
  if (MinValue !== undefined && number < Number(MinValue)) fail(key, parameter, `must be a number not less than ${MinValue}`);
  if (MaxValue !== undefined && number > Number(MaxValue)) fail(key, parameter, `must be a number not greater than ${MaxValue}`);
}

/** The value itself may be a secret: no text has it. */
function fail(key: string, { ConstraintDescription }: TemplateParameter, demand: string): never {
  if (ConstraintDescription === undefined) throw invalid(`Parameter '${key}' ${demand}`);
  throw invalid(`Parameter '${key}' failed to satisfy constraint: ${ConstraintDescription}`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}

import type { ApiRequest, ObjectReader } from '../../api';
import type { StackInput, StackRecord } from '../../deploy/stack-engine';
import type { QueryInput } from '../query-protocol';
import { constraint } from '../query-protocol';
import { ServiceError } from '../service-error';
import type { TemplateOutline } from './template-outline';
import { checkCapabilities, outlineOf } from './template-outline';
import { requiredTemplate } from './template-source';

export interface DeploymentInput {
  readonly stack: StackInput;
  readonly capabilities: readonly string[];
}

const STACK_NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const MAX_PARAMETERS = 200;
const MAX_TAGS = 50;

/** Members that would change what happens, and that nothing here does anything about. */
const UNSUPPORTED = [
  'NotificationARNs', 'RollbackConfiguration.RollbackTriggers', 'ResourceTypes', 'TimeoutInMinutes', 'StackPolicyBody', 'StackPolicyURL',
  'StackPolicyDuringUpdateBody', 'StackPolicyDuringUpdateURL', 'ResourcesToImport', 'DeploymentMode', 'RetainExceptOnCreate',
];

/**
 * What CreateStack, UpdateStack and CreateChangeSet have in common, checked. `existing` is the stack that is to change; what the request
 * leaves out stays as it is there, but for parameters: those take the template's default again unless `UsePreviousValue` is sent.
 */
export async function deploymentInput(
  input: QueryInput,
  request: ApiRequest,
  { existing, objects }: { readonly existing?: StackRecord; readonly objects: ObjectReader },
): Promise<DeploymentInput> {
  refuseUnsupported(input);
  const stackName = existing?.name ?? newStackName(input);
  const templateBody = existing && input.boolean('UsePreviousTemplate')
    ? existing.templateBody
    : await requiredTemplate(input, request, objects);
  const outline = outlineOf(templateBody);
  const capabilities = input.strings('Capabilities') ?? [];
  checkCapabilities(outline, capabilities);
  const roleArn = input.string('RoleARN') ?? existing?.roleArn;
  const stack: StackInput = {
    stackName,
    templateBody,
    parameters: parametersOf(input, outline, existing),
    tags: tagsOf(input) ?? existing?.tags ?? {},
    ...(roleArn !== undefined && { roleArn }),
  };
  return { stack, capabilities };
}

/** Of a stack that is to be made: an ARN is no name. */
export function newStackName(input: QueryInput): string {
  const name = input.required('StackName');
  if (STACK_NAME.test(name)) return name;
  throw constraint('StackName', `'${name.slice(0, 256)}'`, 'Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, with 1 to 128 characters');
}

/** What happens on a failure, as CreateStack, UpdateStack, CreateChangeSet and ExecuteChangeSet say it. */
export function rollbackDisabled(input: QueryInput): boolean | undefined {
  const disabled = input.boolean('DisableRollback') ?? input.boolean('DeploymentConfig.DisableRollback');
  const onFailure = input.string('OnFailure') ?? input.string('OnStackFailure');
  if (onFailure === undefined) return disabled;
  if (disabled !== undefined) throw new ServiceError('ValidationError', 'Either DisableRollback or OnFailure can be specified, not both.');
  if (onFailure === 'ROLLBACK' || onFailure === 'DO_NOTHING') return onFailure === 'DO_NOTHING';
  throw new ServiceError('ValidationError', `OnFailure ${onFailure.slice(0, 32)}: the local cloud has ROLLBACK and DO_NOTHING`);
}

function refuseUnsupported(input: QueryInput): void {
  const member = UNSUPPORTED.find((name) => input.has(name));
  if (member) throw new ServiceError('ValidationError', `${member}: the local cloud's CloudFormation does not support it; leave it out`);
  const mode = input.string('DeploymentConfig.Mode') ?? 'STANDARD';
  if (mode !== 'STANDARD') throw new ServiceError('ValidationError', `DeploymentConfig.Mode ${mode.slice(0, 32)}: the local cloud has only STANDARD; deploy without --express`);
}

function parametersOf(
  input: QueryInput,
  { parameters }: TemplateOutline,
  existing: StackRecord | undefined,
): Record<string, string> {
  const sent = input.records('Parameters') ?? [];
  if (sent.length > MAX_PARAMETERS) throw constraint('Parameters', `of ${sent.length} members`, `Member must have length less than or equal to ${MAX_PARAMETERS}`);
  const previous = new Set(existing?.parameters.map(({ key }) => key));
  const given = new Map(sent.map((parameter) => [parameter.required('ParameterKey'), givenValue(parameter, previous)]));
  const unknown = [...given.keys()].filter((key) => !parameters.some(({ name }) => name === key));
  if (unknown.length > 0) throw new ServiceError('ValidationError', `Parameters: [${unknown.join(', ')}] do not exist in the template`);
  const missing = parameters
    .filter(({ name, defaultValue }) => !given.has(name) && defaultValue === undefined)
    .map(({ name }) => name);
  if (missing.length > 0) throw new ServiceError('ValidationError', `Parameters: [${missing.join(', ')}] must have values`);
  // What is left out here keeps the value that the stack has.
  const values = parameters.map(({ name, defaultValue }) => {
    return [name, given.has(name) ? given.get(name) : defaultValue] as const;
  });
  return Object.fromEntries(values.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

/** Undefined: the value that the stack has. */
function givenValue(parameter: QueryInput, previous: ReadonlySet<string>): string | undefined {
  const key = parameter.required('ParameterKey');
  if (!parameter.boolean('UsePreviousValue')) return parameter.text('ParameterValue') ?? '';
  if (parameter.text('ParameterValue') !== undefined) {
    throw new ServiceError('ValidationError', `Invalid input for parameter key ${key}. Cannot specify usePreviousValue as true and non empty value for a parameter`);
  }
  if (!previous.has(key)) {
    throw new ServiceError('ValidationError', `Invalid input for parameter key ${key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`);
  }
  return undefined;
}

function tagsOf(input: QueryInput): Record<string, string> | undefined {
  const tags = input.records('Tags');
  if (tags && tags.length > MAX_TAGS) throw constraint('Tags', `of ${tags.length} members`, `Member must have length less than or equal to ${MAX_TAGS}`);
  return tags && Object.fromEntries(tags.map((tag) => [tag.required('Key'), tag.text('Value') ?? '']));
}

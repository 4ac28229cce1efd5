import type { Template } from './template';
import { formatError } from './template-text';
import { ServiceError } from '../services/service-error';

const PSEUDO_PARAMETERS = new Set([
  'AWS::AccountId', 'AWS::NoValue', 'AWS::NotificationARNs', 'AWS::Partition', 'AWS::Region', 'AWS::StackId', 'AWS::StackName', 'AWS::URLSuffix',
]);
const FUNCTIONS = new Set([
  'Fn::And', 'Fn::Base64', 'Fn::Cidr', 'Fn::Equals', 'Fn::FindInMap', 'Fn::GetAZs', 'Fn::GetAtt', 'Fn::If', 'Fn::ImportValue', 'Fn::Join', 'Fn::Not', 'Fn::Or',
  'Fn::Select', 'Fn::Split', 'Fn::Sub',
]);
const EXTENSIONS = new Set(['Fn::Length', 'Fn::ToJsonString']);
const RULE_FUNCTIONS = new Set(['Fn::Contains', 'Fn::EachMemberEquals', 'Fn::EachMemberIn']);

/** A function's use somewhere in a template. */
interface Use {
  readonly name: string;
  readonly argument: unknown;
}

/** Refuses a template that refers to what it does not declare, or that calls functions that there are not. */
export function checkReferences(template: Template, { isExtended }: { isExtended: boolean }): void {
  const { Resources, Outputs = {}, Conditions = {}, Rules = {} } = template;
  for (const [logicalId, resource] of Object.entries(Resources)) {
    checkCondition(template, resource.Condition, `[/Resources/${logicalId}]`);
    for (const other of [resource.DependsOn ?? []].flat()) {
      if (!Object.hasOwn(Resources, other)) throw unresolved([other], 'Resources');
    }
  }
  for (const output of Object.values(Outputs)) checkCondition(template, output.Condition, '[/Outputs]');
  const sections = { Resources: Object.values(Resources).map(({ Properties }) => Properties), Outputs, Conditions };
  for (const [section, value] of Object.entries(sections)) {
    const uses = [...usesIn(value)];
    uses.forEach(({ name }) => checkFunction(name, { isExtended, isRule: false }));
    checkUses(template, uses, section);
  }
  for (const { name } of usesIn(Rules)) checkFunction(name, { isExtended, isRule: true });
}

function checkCondition({ Conditions = {} }: Template, name: string | undefined, where: string): void {
  if (name === undefined || Object.hasOwn(Conditions, name)) return;
  throw formatError(`${where} Unresolved condition dependency ${name} in the Conditions block of the template`);
}

function checkFunction(name: string, { isExtended, isRule }: { isExtended: boolean; isRule: boolean }): void {
  if (!name.startsWith('Fn::') || FUNCTIONS.has(name) || (isRule && RULE_FUNCTIONS.has(name)) || (isExtended && EXTENSIONS.has(name))) return;
  if (EXTENSIONS.has(name)) {
    throw new ServiceError('ValidationError', `Template error: Encountered unsupported function: ${name}; it takes the template's Transform AWS::LanguageExtensions`);
  }
  if (name === 'Fn::Transform' || name.startsWith('Fn::ForEach')) {
    throw new ServiceError('ValidationError', `Template error: ${name} is a macro, and the local cloud runs none`);
  }
  throw new ServiceError('ValidationError', `Template error: Encountered unsupported function: ${name} Supported functions are: [${[...FUNCTIONS].join(', ')}]`);
}

function checkUses(template: Template, uses: readonly Use[], section: string): void {
  const { Resources, Parameters = {} } = template;
  const known = new Set([...Object.keys(Resources), ...Object.keys(Parameters), ...PSEUDO_PARAMETERS]);
  const missing = new Set<string>();
  for (const { name, argument } of uses) {
    for (const reference of referencesOf(name, argument)) if (!known.has(reference)) missing.add(reference);
    if (name === 'Fn::GetAtt') checkAttribute(Resources, argument);
    const condition = name === 'Fn::If' && Array.isArray(argument) ? argument[0] : undefined;
    if (typeof condition === 'string') checkCondition(template, condition, `[/${section}]`);
  }
  if (missing.size > 0) throw unresolved([...missing], section);
}

function referencesOf(name: string, argument: unknown): string[] {
  if (name === 'Ref') return [String(argument)];
  if (name !== 'Fn::Sub') return [];
  const [text, variables = {}] = [argument].flat() as [unknown, object?];
  return [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)]
    .map(([, reference]) => reference.trim())
    .filter((reference) => !Object.hasOwn(variables, reference))
    .map((reference) => (reference.includes('.') ? reference.slice(0, reference.indexOf('.')) : reference));
}

function checkAttribute(resources: Template['Resources'], argument: unknown): void {
  const [logicalId, attribute] = typeof argument === 'string' ? argument.split('.') : [argument].flat();
  if (typeof logicalId !== 'string' || attribute === undefined) {
    throw new ServiceError('ValidationError', 'Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute');
  }
  if (!Object.hasOwn(resources, logicalId)) {
    throw new ServiceError('ValidationError', `Template error: instance of Fn::GetAtt references undefined resource ${logicalId}`);
  }
}

function unresolved(names: readonly string[], section: string): ServiceError {
  return formatError(`Unresolved resource dependencies [${names.join(', ')}] in the ${section} block of the template`);
}

/** Every function that is used in a part of a template, also within the arguments of others. */
export function* usesIn(value: unknown): Generator<Use> {
  if (typeof value !== 'object' || value === null) return;
  const entries = Object.entries(value);
  const isCall = !Array.isArray(value) && entries.length === 1 && (entries[0][0] === 'Ref' || entries[0][0].startsWith('Fn::'));
  if (isCall) yield { name: entries[0][0], argument: entries[0][1] };
  for (const [, element] of entries) yield* usesIn(element);
}

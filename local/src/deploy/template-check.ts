import type { Template, TemplateResource } from './template';
import { checkReferences } from './template-references';
import { formatError, parseTemplateText } from './template-text';
import { ServiceError } from '../services/service-error';

const SECTIONS = new Set([
  'AWSTemplateFormatVersion', 'Conditions', 'Description', 'Hooks', 'Mappings', 'Metadata', 'Outputs', 'Parameters', 'Resources', 'Rules', 'Transform',
]);
const RESOURCE_ATTRIBUTES = new Set([
  'Condition', 'CreationPolicy', 'DeletionPolicy', 'DependsOn', 'Metadata', 'Properties', 'Type', 'UpdatePolicy', 'UpdateReplacePolicy',
]);
const SNAPSHOT_TYPES = /^AWS::(?:EC2::Volume|ElastiCache::(?:CacheCluster|ReplicationGroup)|Neptune::DBCluster|RDS::DB(?:Cluster|Instance)|Redshift::Cluster|DocDB::DBCluster)$/;
const MAX_MEMBERS = { Mappings: 200, Outputs: 200, Parameters: 200, Resources: 500 };
const LOGICAL_ID = /^[a-zA-Z0-9]{1,255}$/;
/** The one transform that needs no macro: what it adds is evaluated here, except its loops. */
const EXTENSIONS = 'AWS::LanguageExtensions';

/** Reads and checks a template as far as CloudFormation does before it answers. Throws its `ValidationError`. */
export function readTemplate(templateBody: string): Template {
  const value = parseTemplateText(templateBody);
  if (!isRecord(value)) throw formatError('unsupported structure.');
  checkSections(value);
  checkCounts(value);
  refuseNull(value);
  // What the checks above let through has the sections of a template; what is in them is looked at below.
  const template = value as unknown as Template;
  checkTransform(template);
  for (const [logicalId, resource] of Object.entries(template.Resources)) checkResource(logicalId, resource);
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    if (!isRecord(output) || output.Value === undefined) throw formatError(`Output ${name} is malformed.`);
  }
  checkReferences(template, { isExtended: Boolean(template.Transform) });
  return template;
}

function checkSections(value: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(value).filter((name) => !SECTIONS.has(name));
  if (unknown.length > 0) throw new ServiceError('ValidationError', `Invalid template property or properties [${unknown.join(', ')}]`);
  if (!isRecord(value.Resources) || Object.keys(value.Resources).length === 0) throw formatError('At least one Resources member must be defined.');
  for (const name of ['Conditions', 'Mappings', 'Outputs', 'Parameters', 'Rules']) {
    if (value[name] !== undefined && !isRecord(value[name])) throw formatError(`Template ${name} section must be an object`);
  }
}

function checkCounts(value: Readonly<Record<string, unknown>>): void {
  for (const [section, max] of Object.entries(MAX_MEMBERS)) {
    const count = Object.keys(value[section] ?? {}).length;
    if (count > max) throw formatError(`Number of ${section.toLowerCase()}, ${count}, is greater than maximum allowed, ${max}`);
  }
}

function refuseNull(value: unknown, path = ''): void {
  if (value === null) throw formatError(`[${path || '/'}] 'null' values are not allowed in templates`);
  if (typeof value !== 'object') return;
  for (const [key, element] of Object.entries(value)) refuseNull(element, `${path}/${key}`);
}

function checkTransform({ Transform }: Template): void {
  for (const transform of [Transform ?? []].flat()) {
    if (transform === EXTENSIONS) continue;
    const name = typeof transform === 'string' ? transform : JSON.stringify(transform);
    throw new ServiceError('ValidationError', `The template asks for the transform ${name}: the local cloud runs no macros; deploy the template that the transform answers`);
  }
}

function checkResource(logicalId: string, resource: TemplateResource): void {
  if (!LOGICAL_ID.test(logicalId)) throw formatError(`Resource name ${logicalId} is non alphanumeric.`);
  if (!isRecord(resource) || typeof resource.Type !== 'string') throw formatError(`[/Resources/${logicalId}] Every Resources object must contain a Type member.`);
  const unknown = Object.keys(resource).filter((name) => !RESOURCE_ATTRIBUTES.has(name));
  if (unknown.length > 0) throw formatError(`[/Resources/${logicalId}] Encountered unsupported property ${unknown[0]}`);
  checkPolicy(logicalId, resource, 'DeletionPolicy', ['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot']);
  checkPolicy(logicalId, resource, 'UpdateReplacePolicy', ['Delete', 'Retain', 'Snapshot']);
}

function checkPolicy(
  logicalId: string,
  resource: TemplateResource,
  name: 'DeletionPolicy' | 'UpdateReplacePolicy',
  allowed: readonly string[],
): void {
  const value = resource[name];
  if (value === undefined) return;
  if (!allowed.includes(value)) throw formatError(`Unrecognized ${name} ${JSON.stringify(value)} for resource ${logicalId}; it is one of ${allowed.join(', ')}`);
  if (value === 'Snapshot' && !SNAPSHOT_TYPES.test(resource.Type)) {
    throw new ServiceError('ValidationError', `Template error: resource type ${resource.Type} does not support ${name === 'DeletionPolicy' ? 'deletion' : 'update replace'} policy Snapshot`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

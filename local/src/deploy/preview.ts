import { isDeepStrictEqual } from 'node:util';
import { inOrder } from './dependencies';
import { createOnlyProperties, typeOf } from './resource-driver';
import type { Stack, StackResource } from './stack';
import type { ResourceChange } from './stack-engine';
import type { StackPlan } from './stack-plan';
import { UNKNOWN } from './stack-plan';
import type { TemplateResource } from './template';

/** What bringing a stack to a plan would do to its resources, found without doing anything. Settles the plan. */
export function previewChanges(stack: Pick<Stack, 'resources' | 'template'> | undefined, plan: StackPlan): ResourceChange[] {
  const changes = new Map<string, ResourceChange>();
  for (const logicalId of inOrder(plan.dependencies)) {
    const wanted = plan.wanted[logicalId];
    const current = stack?.resources.get(logicalId);
    const before = stack?.template.Resources[logicalId];
    const change = current ? modification(current, wanted, plan, before) : addition(logicalId, wanted);
    settle(plan, logicalId, current, change);
    if (change) changes.set(logicalId, change);
  }
  const inTemplateOrder = Object.keys(plan.wanted).flatMap((logicalId) => changes.get(logicalId) ?? []);
  const removed = [...stack?.resources.values() ?? []].filter(({ logicalId }) => !plan.dependencies.has(logicalId));
  return [...inTemplateOrder, ...removed.map(removal)];
}

function addition(logicalId: string, { Type }: TemplateResource): ResourceChange {
  return { action: 'Add', logicalId, type: Type, properties: [] };
}

function removal({ logicalId, physicalId, type }: StackResource): ResourceChange {
  return { action: 'Remove', logicalId, physicalId, type, properties: [] };
}

function modification(
  current: StackResource,
  wanted: TemplateResource,
  plan: StackPlan,
  before: TemplateResource | undefined,
): ResourceChange | undefined {
  const { logicalId, physicalId, type } = current;
  const names = [...new Set([...Object.keys(current.properties), ...Object.keys(wanted.Properties ?? {})])].sort();
  const values = new Map(names.map((name) => [name, plan.property(logicalId, name)]));
  const changed = names.filter((name) => !isDeepStrictEqual(values.get(name), current.properties[name]));
  if (changed.length === 0 && hasSameAttributes(wanted, before)) return undefined;
  const createOnly = createOnlyProperties(type);
  const replacing = changed.filter((name) => !createOnly || createOnly.includes(name));
  const isCertain = replacing.some((name) => !isUnknown(values.get(name)));
  const maybe = replacing.length > 0 ? 'Conditional' : 'False';
  const change = { action: 'Modify', logicalId, physicalId, type, replacement: isCertain ? 'True' : maybe, properties: changed } as const;
  return replacing.length > 0 ? { ...change, replacing } : change;
}

/** Policies and metadata of a resource count as a change of it, although nothing is done to the resource. */
function hasSameAttributes(wanted: TemplateResource, before: TemplateResource | undefined): boolean {
  const names = ['DeletionPolicy', 'UpdateReplacePolicy', 'Metadata'] as const;
  return before !== undefined && names.every((name) => isDeepStrictEqual(wanted[name], before[name]));
}

function settle(
  plan: StackPlan,
  logicalId: string,
  current: StackResource | undefined,
  change: ResourceChange | undefined,
): void {
  if (!current || (change && change.replacement !== 'False')) return plan.settleUnknown(logicalId, 'all');
  plan.settle(current);
  const isTouched = change !== undefined && change.properties.length > 0;
  if (isTouched && typeOf(current.type).changesAttributes) plan.settleUnknown(logicalId, 'attributes');
}

function isUnknown(value: unknown): boolean {
  return JSON.stringify(value)?.includes(UNKNOWN) ?? false;
}

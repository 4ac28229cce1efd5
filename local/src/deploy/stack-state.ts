import type { StackStatus } from '../cloud-event';
import { generatedName } from './resource-type';
import { isCustomType } from './resource-types/stand-in';
import type { Leftover, Stack, StackResource, UnderWay } from './stack';
import { isBusy } from './stack';
import { readTemplate } from './template-check';

type SavedResource = Omit<StackResource, 'dependencies'> & { readonly dependencies: readonly string[] };
type SavedUnderWay = Omit<UnderWay, 'dependencies'> & { readonly dependencies: readonly string[] };

/** A stack as JSON. */
export type SavedStack = Omit<Stack, 'template' | 'resources' | 'leftovers' | 'underWay' | 'exports' | 'imports' | 'states'> & {
  readonly resources: readonly SavedResource[];
  readonly leftovers: readonly { readonly resource: SavedResource; readonly isRetained: boolean }[];
  readonly underWay: readonly SavedUnderWay[];
  readonly exports: readonly (readonly [string, string])[];
  readonly imports: readonly string[];
  readonly states: Stack['states'] extends Map<string, infer State> ? readonly State[] : never;
};

export function saveStack({ template, ...stack }: Stack): SavedStack {
  return {
    ...stack,
    resources: [...stack.resources.values()].map(saveResource),
    leftovers: stack.leftovers.map(({ resource, isRetained }) => ({ resource: saveResource(resource), isRetained })),
    underWay: [...stack.underWay.values()].map(saveResource),
    exports: [...stack.exports],
    imports: [...stack.imports],
    states: [...stack.states.values()],
    events: [...stack.events],
  };
}

/** The stack as it was. An operation that was under way is not, so the caller has to tell of it. */
export function restoreStack(saved: SavedStack): Stack {
  return {
    ...saved,
    template: saved.templateBody ? readTemplate(saved.templateBody) : { Resources: {} },
    resources: byId(saved.resources.map(restoreResource)),
    leftovers: [...saved.leftovers.map(restoreLeftover), ...halfMade(saved)],
    underWay: new Map(),
    exports: new Map(saved.exports),
    imports: new Set(saved.imports),
    states: byId([...saved.states]),
    events: [...saved.events],
  };
}

function byId<Item extends { readonly logicalId: string }>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [item.logicalId, item]));
}

function restoreLeftover({ resource, isRetained }: SavedStack['leftovers'][number]): Leftover {
  return { resource: restoreResource(resource), isRetained };
}

/** How an operation ends that nobody goes on with. Undefined: none was under way. */
export function abandonedStatus(stack: Stack): StackStatus | undefined {
  if (!isBusy(stack)) return undefined;
  switch (stack.status) {
    case 'CREATE_IN_PROGRESS': return 'CREATE_FAILED';
    case 'ROLLBACK_IN_PROGRESS': return 'ROLLBACK_FAILED';
    case 'UPDATE_ROLLBACK_IN_PROGRESS': return 'UPDATE_ROLLBACK_FAILED';
    case 'DELETE_IN_PROGRESS': return 'DELETE_FAILED';
    default: return 'UPDATE_FAILED';
  }
}

/**
 * What stood already. Whether a custom resource was made cannot be known: it is asked to delete, as after a creation that gave no id.
 */
function halfMade({ name: stackName, underWay }: SavedStack): Leftover[] {
  return underWay.filter(({ type, physicalId }) => physicalId !== undefined || isCustomType(type)).map((desired) => {
    const { logicalId, physicalId = generatedName({ stackName, logicalId }, 100) } = desired;
    return { resource: { ...restoreResource(desired), physicalId, attributes: {} }, isRetained: false };
  });
}

function saveResource<R extends { readonly dependencies: ReadonlySet<string> }>(resource: R): Omit<R, 'dependencies'> & { readonly dependencies: readonly string[] } {
  return { ...resource, dependencies: [...resource.dependencies] };
}

function restoreResource<R extends { readonly dependencies: readonly string[] }>(resource: R): Omit<R, 'dependencies'> & { readonly dependencies: ReadonlySet<string> } {
  return { ...resource, dependencies: new Set(resource.dependencies) };
}

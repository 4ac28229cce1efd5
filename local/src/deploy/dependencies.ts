import type { TemplateResource } from './template';
import { ServiceError } from '../services/service-error';

/** Which of `resources` each of them refers to or depends on. */
export function dependenciesOf(resources: Readonly<Record<string, TemplateResource>>): Map<string, Set<string>> {
  const dependencies = new Map(Object.entries(resources).map(([logicalId, { Properties, DependsOn = [] }]) => {
    const found = new Set<string>([DependsOn].flat() as string[]);
    collectReferences(Properties, found);
    return [logicalId, new Set([...found].filter((id) => id !== logicalId && Object.hasOwn(resources, id)))];
  }));
  refuseCycles(dependencies);
  return dependencies;
}

function collectReferences(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) return value.forEach((element) => collectReferences(element, found));
  if (typeof value !== 'object' || value === null) return;
  for (const [key, argument] of Object.entries(value)) {
    if (key === 'Ref' && typeof argument === 'string') found.add(argument);
    if (key === 'Fn::GetAtt') found.add(String(Array.isArray(argument) ? argument[0] : String(argument).split('.')[0]));
    if (key === 'Fn::Sub') {
      const text = String(Array.isArray(argument) ? argument[0] : argument);
      for (const [, name] of text.matchAll(/\$\{\s*([^!}][^}.\s]*)/g)) found.add(name);
    }
    collectReferences(argument, found);
  }
}

function refuseCycles(dependencies: ReadonlyMap<string, ReadonlySet<string>>): void {
  const finished = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (path.includes(id)) {
      const circle = path.slice(path.indexOf(id)).join(', ');
      throw new ServiceError('ValidationError', `Circular dependency between resources: [${circle}]`);
    }
    if (finished.has(id)) return;
    for (const dependency of dependencies.get(id) ?? []) visit(dependency, [...path, id]);
    finished.add(id);
  };
  for (const id of dependencies.keys()) visit(id, []);
}

/** The same graph with every arrow turned round. */
export function reversed(dependencies: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> {
  const result = new Map([...dependencies.keys()].map((id) => [id, new Set<string>()]));
  for (const [id, found] of dependencies) for (const dependency of found) result.get(dependency)?.add(id);
  return result;
}

/** The graph without the arrows that close a circle: of two generations of a stack, each may depend on the other. */
export function withoutCycles(dependencies: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> {
  const result = new Map([...dependencies.keys()].map((id) => [id, new Set<string>()]));
  const open = new Set<string>();
  const finished = new Set<string>();
  const visit = (id: string): void => {
    if (finished.has(id)) return;
    open.add(id);
    for (const dependency of dependencies.get(id) ?? []) {
      if (open.has(dependency)) continue;
      result.get(id)?.add(dependency);
      visit(dependency);
    }
    open.delete(id);
    finished.add(id);
  };
  for (const id of dependencies.keys()) visit(id);
  return result;
}

/** Each id after those that it depends on. */
export function inOrder(dependencies: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const ordered = new Set<string>();
  const add = (id: string): void => {
    if (ordered.has(id)) return;
    dependencies.get(id)?.forEach(add);
    ordered.add(id);
  };
  for (const id of dependencies.keys()) add(id);
  return [...ordered];
}

export interface RunOptions {
  /** After a failure nothing new is begun at all, not only nothing that depends on what failed. */
  readonly stopEarly: boolean;
  readonly onFailure?: () => void;
}

/**
 * Works on each id once everything that it depends on is done; what is independent runs side by side. Throws the first failure once
 * everything has come to rest.
 */
export async function runInOrder(
  dependencies: ReadonlyMap<string, ReadonlySet<string>>,
  work: (id: string) => Promise<void>,
  { stopEarly, onFailure }: RunOptions,
): Promise<void> {
  const failures: unknown[] = [];
  const runs = new Map<string, Promise<boolean>>();
  const run = async (id: string): Promise<boolean> => {
    const before = await Promise.all([...dependencies.get(id) ?? []].map(start));
    if (before.includes(false) || (stopEarly && failures.length > 0)) return false;
    try {
      await work(id);
      return true;
    } catch (error) {
      failures.push(error);
      onFailure?.();
      return false;
    }
  };
  const start = (id: string): Promise<boolean> => {
    const existing = runs.get(id);
    if (existing) return existing;
    const started = run(id);
    runs.set(id, started);
    return started;
  };
  await Promise.all([...dependencies.keys()].map(start));
  if (failures.length > 0) throw failures[0];
}

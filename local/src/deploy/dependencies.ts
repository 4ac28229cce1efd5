import type { TemplateResource } from './template';

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
      for (const [, name] of text.matchAll(/\$\{([^!}][^}.]*)/g)) found.add(name);
    }
    collectReferences(argument, found);
  }
}

function refuseCycles(dependencies: ReadonlyMap<string, ReadonlySet<string>>): void {
  const finished = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (path.includes(id)) throw new Error(`Circular dependency between resources: [${[...path.slice(path.indexOf(id)), id].join(', ')}]`);
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

/**
 * Works on each id once everything that it depends on is done; what is independent runs side by side. After a failure nothing that
 * depends on the failed one starts, and with `stopEarly` nothing at all. Throws the first failure once everything has come to rest.
 */
export async function runInOrder(
  dependencies: ReadonlyMap<string, ReadonlySet<string>>,
  work: (id: string) => Promise<void>,
  { stopEarly }: { stopEarly: boolean },
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

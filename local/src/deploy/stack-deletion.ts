import { reversed, runInOrder, withoutCycles } from './dependencies';
import type { ResourceDriver } from './resource-driver';
import { asDeployError } from './stack';
import type { Leftover, Stack, DeployError } from './stack';

/** Deletes what a stack has left over from changes. What cannot be deleted stays in `leftovers`; the failures are the answer. */
export function deleteLeftovers(stack: Stack, driver: ResourceDriver): Promise<DeployError[]> {
  return deleteAll(stack.leftovers, stack, driver, (done) => {
    stack.leftovers = stack.leftovers.filter((leftover) => leftover !== done);
  });
}

/** Deletes every resource of a stack and what it has left over. What cannot be deleted stays in it; the failures are the answer. */
export function deleteResources(
  stack: Stack,
  driver: ResourceDriver,
  isRetained: (leftover: Leftover['resource']) => boolean,
): Promise<DeployError[]> {
  const current = [...stack.resources.values()].map((resource) => ({ resource, isRetained: isRetained(resource) }));
  return deleteAll([...stack.leftovers, ...current], stack, driver, (done) => {
    stack.leftovers = stack.leftovers.filter((leftover) => leftover !== done);
    const { logicalId } = done.resource;
    if (stack.resources.get(logicalId) === done.resource) stack.resources.delete(logicalId);
  });
}

/** In the reverse order of dependencies, side by side where that allows it. */
async function deleteAll(
  leftovers: readonly Leftover[],
  stack: Stack,
  driver: ResourceDriver,
  onDone: (leftover: Leftover) => void,
): Promise<DeployError[]> {
  const byKey = new Map(leftovers.map((leftover, index) => [String(index), leftover]));
  const dependencies = new Map([...byKey].map(([key, { resource }]) => {
    const isNeeded = ({ resource: { logicalId } }: Leftover): boolean => resource.dependencies.has(logicalId);
    const needed = [...byKey].filter(([other, leftover]) => other !== key && isNeeded(leftover));
    return [key, new Set(needed.map(([other]) => other))];
  }));
  const failures: DeployError[] = [];
  const work = async (key: string): Promise<void> => {
    const leftover = byKey.get(key);
    if (!leftover) return;
    try {
      if (leftover.isRetained) driver.skipDelete(leftover.resource);
      else await driver.delete(leftover.resource);
    } catch (error) {
      failures.push(asDeployError(stack.name, error));
      throw error;
    }
    onDone(leftover);
  };
  await runInOrder(reversed(withoutCycles(dependencies)), work, { stopEarly: false }).catch(() => undefined);
  return failures;
}

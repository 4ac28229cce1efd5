import { isDeepStrictEqual } from 'node:util';
import { runInOrder } from './dependencies';
import type { DesiredResource, ResourceDriver } from './resource-driver';
import type { Stack, StackResource } from './stack';
import { DeployError } from './stack';
import type { StackPlan } from './stack-plan';

/** One step that a rollback has to undo. */
type Step =
  | { readonly kind: 'created'; readonly resource: StackResource }
  | { readonly kind: 'updated'; readonly before: StackResource; readonly after: StackResource };

/** Brings a stack from what it is to what its plan says. */
export class StackChange {
  readonly #steps: Step[] = [];

  constructor(
    private readonly stack: Stack,
    private readonly plan: StackPlan,
    private readonly driver: ResourceDriver,
  ) {}

  /** Creates and changes in the order of dependencies. Nothing is deleted yet. */
  async apply(): Promise<void> {
    await runInOrder(this.plan.dependencies, (logicalId) => this.#applyResource(logicalId), { stopEarly: true });
  }

  /** Deletes what was replaced or is wanted no longer. Answers what could not be deleted. */
  async cleanUp(): Promise<StackResource[]> {
    const left: StackResource[] = [];
    const before = [...this.stack.resources.values()].reverse();
    for (const resource of before) {
      const after = this.plan.resources.get(resource.logicalId);
      if (after?.physicalId === resource.physicalId) continue;
      if ((after ? resource.updateReplacePolicy : resource.deletionPolicy) === 'Retain') this.driver.skipDelete(resource);
      else await this.driver.delete(resource).catch(() => void left.push(resource));
    }
    return left;
  }

  /** Undoes every step, the last one first. Answers the resources for which that failed. */
  async rollBack(): Promise<StackResource[]> {
    const left: StackResource[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      const resource = step.kind === 'created' ? step.resource : step.after;
      await this.#undo(step).catch(() => void left.push(resource));
    }
    return left;
  }

  async #applyResource(logicalId: string): Promise<void> {
    const current = this.stack.resources.get(logicalId);
    const desired = this.plan.desired(logicalId);
    if (current && current.type !== desired.type) {
      const reason = `Update of resource type is not permitted: it is ${current.type}. Give the resource another logical id.`;
      throw new DeployError(this.stack.name, reason, { logicalId, resourceType: desired.type });
    }
    if (current && isDeepStrictEqual(current.properties, desired.properties)) {
      this.plan.settle({ ...current, ...desired });
    } else if (current && !this.driver.needsReplacement(current, desired.properties)) {
      this.plan.settle(await this.#update(current, desired));
    } else {
      const created = await this.driver.create(desired, (resource) => this.#steps.push({ kind: 'created', resource }));
      this.#steps.push({ kind: 'created', resource: created });
      this.plan.settle(created);
    }
  }

  async #update(before: StackResource, desired: DesiredResource): Promise<StackResource> {
    // Noted first: an update that failed half way is undone, too.
    const step: Step = { kind: 'updated', before, after: { ...before, ...desired } };
    this.#steps.push(step);
    const after = await this.driver.update(before, desired);
    const done: Step = after.physicalId === before.physicalId
      ? { kind: 'updated', before, after }
      : { kind: 'created', resource: after };
    this.#steps.splice(this.#steps.indexOf(step), 1, done);
    return after;
  }

  async #undo(step: Step): Promise<void> {
    if (step.kind === 'updated') await this.driver.update(step.after, step.before);
    else if (step.resource.deletionPolicy === 'Retain') this.driver.skipDelete(step.resource);
    else await this.driver.delete(step.resource);
  }
}

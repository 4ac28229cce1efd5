import { isDeepStrictEqual } from 'node:util';
import { runInOrder } from './dependencies';
import type { DesiredResource, ResourceDriver } from './resource-driver';
import { needsReplacement, typeOf } from './resource-driver';
import type { CreationContext } from './resource-type';
import type { Stack, StackResource } from './stack';
import type { StackPlan } from './stack-plan';

/** One step that a rollback has to undo. `kept`: nothing but its policies and dependencies may have changed. */
type Step =
  | { readonly kind: 'created'; readonly after: StackResource }
  | { readonly kind: 'kept' | 'replaced' | 'updated'; readonly before: StackResource; readonly after: StackResource };

/** Brings the resources of a stack from what they are to what its plan says. Deletes nothing: that cannot be undone. */
export class StackChange {
  readonly #steps: Step[] = [];

  constructor(
    private readonly stack: Stack,
    private readonly plan: StackPlan,
    private readonly driver: ResourceDriver,
    private readonly ending: AbortSignal,
  ) {}

  /** Creates and changes in the order of dependencies. What is replaced or wanted no longer is among the stack's leftovers then. */
  async apply(): Promise<void> {
    const onFailure = (): void => this.driver.cancel();
    const work = (logicalId: string): Promise<void> => this.#applyResource(logicalId);
    await runInOrder(this.plan.dependencies, work, { stopEarly: true, onFailure });
  }

  /** Hands what the plan has no longer to the leftovers. */
  dropRemoved(): void {
    for (const resource of [...this.stack.resources.values()].reverse()) {
      if (!this.plan.dependencies.has(resource.logicalId)) this.#drop(resource, resource.deletionPolicy.startsWith('Retain'));
    }
  }

  /** Undoes every step but deletes nothing, the last one first. Answers the ids of the resources for which that failed. */
  async rollBack(): Promise<string[]> {
    const failed: string[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      if (this.ending.aborted) break;
      await this.#undo(step).catch(() => void failed.push(step.after.logicalId));
    }
    return failed;
  }

  async #applyResource(logicalId: string): Promise<void> {
    const current = this.stack.resources.get(logicalId);
    const desired = this.#desired(logicalId, current);
    const isSame = current && isDeepStrictEqual(current.properties, desired.properties);
    if (!current) await this.#create(desired);
    else if (isSame) this.#leaveAlone(current, desired);
    else if (needsReplacement(current, desired.properties)) await this.#replace(current, desired);
    else await this.#update(current, desired);
  }

  #desired(logicalId: string, current: StackResource | undefined): DesiredResource {
    const { Type: type } = this.plan.wanted[logicalId];
    const refuse = (reason: string): Error => this.driver.refuse(current ? 'UPDATE' : 'CREATE', { logicalId, type }, reason);
    let desired;
    try {
      desired = this.plan.desired(logicalId);
    } catch (error) {
      throw refuse(error instanceof Error ? error.message : String(error));
    }
    const reason = current && typeOf(type).refuse?.(current.properties, desired.properties);
    if (reason !== undefined) throw refuse(reason);
    return desired;
  }

  async #create(desired: DesiredResource): Promise<void> {
    const created = await this.#underWay(desired, (stands) => this.driver.create(desired, stands));
    this.#steps.push({ kind: 'created', after: created });
    this.#keep(created);
  }

  #leaveAlone(before: StackResource, desired: DesiredResource): void {
    const after = { ...desired, ...serviceSide(before) };
    this.#steps.push({ kind: 'kept', before, after });
    this.#keep(after);
  }

  async #replace(before: StackResource, desired: DesiredResource): Promise<void> {
    const after = await this.#underWay(desired, (stands) => this.driver.replace(before, desired, stands));
    this.#steps.push({ kind: 'replaced', before, after });
    this.#keep(after);
    this.#leave(before, desired.updateReplacePolicy === 'Retain');
  }

  async #update(before: StackResource, desired: DesiredResource): Promise<void> {
    // Noted first: an update that failed half way is undone, too.
    const step: Step = { kind: 'updated', before, after: { ...desired, ...serviceSide(before) } };
    this.#steps.push(step);
    const after = await this.driver.update(before, desired);
    this.#steps.splice(this.#steps.indexOf(step), 1, { ...step, after });
    this.#keep(after);
    if (after.physicalId !== before.physicalId) this.#leave(before, desired.updateReplacePolicy === 'Retain');
  }

  async #undo(step: Step): Promise<void> {
    const { after } = step;
    const isRetained = after.deletionPolicy === 'Retain';
    if (step.kind === 'created') return this.#drop(after, isRetained);
    const { before } = step;
    if (step.kind === 'kept') return void this.stack.resources.set(before.logicalId, before);
    if (step.kind === 'replaced') this.driver.tellRestored(before);
    const restored = step.kind === 'replaced' ? before : await this.driver.update(after, before);
    this.stack.resources.set(restored.logicalId, restored);
    this.stack.leftovers = this.stack.leftovers.filter(({ resource }) => resource !== before);
    if (before.physicalId !== restored.physicalId) this.#leave(before, false);
    const isThird = ![before.physicalId, restored.physicalId].includes(after.physicalId);
    if (isThird) this.#leave(after, isRetained);
  }

  async #underWay(
    desired: DesiredResource,
    work: (stands: CreationContext['stands']) => Promise<StackResource>,
  ): Promise<StackResource> {
    const { underWay } = this.stack;
    const { logicalId } = desired;
    let standing: StackResource | undefined;
    underWay.set(logicalId, desired);
    try {
      const made = await work((physicalId) => {
        standing = { ...desired, physicalId, attributes: {} };
        underWay.set(logicalId, standing);
      });
      underWay.delete(logicalId);
      return made;
    } catch (error) {
      // What the end of the cloud broke off is for the next start to find.
      if (this.ending.aborted) throw error;
      if (standing) this.#leave(standing, false);
      underWay.delete(logicalId);
      throw error;
    }
  }

  #keep(resource: StackResource): void {
    this.plan.settle(resource);
    this.stack.resources.set(resource.logicalId, resource);
  }

  #drop(resource: StackResource, isRetained: boolean): void {
    this.stack.resources.delete(resource.logicalId);
    this.#leave(resource, isRetained);
  }

  #leave(resource: StackResource, isRetained: boolean): void {
    this.stack.leftovers.push({ resource, isRetained });
  }
}

function serviceSide({ physicalId, attributes, isSecret }: StackResource): Pick<StackResource, 'physicalId' | 'attributes' | 'isSecret'> {
  return { physicalId, attributes, isSecret };
}

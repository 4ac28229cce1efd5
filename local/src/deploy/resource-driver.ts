import { isDeepStrictEqual } from 'node:util';
import type { ResourceStatus } from '../cloud-event';
import type { Properties } from './properties';
import type { CreationContext, ResourceContext, ResourceType } from './resource-type';
import { resourceType } from './resource-types';
import { standIn } from './resource-types/stand-in';
import type { Resource, StackResource } from './stack';
import { DeployError } from './stack';
import type { ResourceFacts, StackJournal } from './stack-journal';

/** The resource as the template wants it; its id and attributes come from the service. */
export type DesiredResource = Omit<StackResource, keyof Resource>;

type Verb = 'CREATE' | 'UPDATE' | 'DELETE';

const CANCELLED: Readonly<Record<Verb, string>> = {
  CREATE: 'Resource creation cancelled',
  UPDATE: 'Resource update cancelled',
  DELETE: 'Resource deletion cancelled',
};

const REPLACES = 'Requested update requires the creation of a new physical resource; hence creating one.';

/** Creates, changes and deletes single resources of a stack, and tells how it goes. */
export class ResourceDriver {
  readonly #underWay = new Map<string, { readonly verb: Verb; readonly facts: ResourceFacts }>();
  readonly #failed: Record<Verb, Set<string>> = { CREATE: new Set(), UPDATE: new Set(), DELETE: new Set() };

  constructor(private readonly context: Omit<ResourceContext, 'logicalId' | 'type'>, private readonly journal: StackJournal) {}

  /** Throws a `DeployError`; `stands` gets the id under which something stands before the creation has come to its end. */
  async create(desired: DesiredResource, stands: CreationContext['stands']): Promise<StackResource> {
    return this.#tell('CREATE', desired, async (type, context) => (
      { ...desired, ...await type.create(desired.properties, { ...context, stands }) }
    ));
  }

  /** Makes the resource that takes the place of another one, which stays for now. */
  async replace(
    { properties }: StackResource,
    desired: DesiredResource,
    stands: CreationContext['stands'],
  ): Promise<StackResource> {
    return this.#tell('UPDATE', desired, async (type, context) => {
      const name = type.name === undefined ? undefined : desired.properties[type.name];
      if (name !== undefined && type.name !== undefined && properties[type.name] === name) {
        throw new Error(`CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${String(name)} and update the stack again.`);
      }
      return { ...desired, ...await type.create(desired.properties, { ...context, stands }) };
    }, REPLACES);
  }

  /** A changed physical id in the answer: there are two resources now. */
  async update(current: StackResource, desired: DesiredResource): Promise<StackResource> {
    return this.#tell('UPDATE', { ...desired, physicalId: current.physicalId }, async (type, context) => {
      const updated = await type.update?.(current, desired.properties, context, current.properties);
      const { physicalId, attributes, isSecret } = updated ?? current;
      return { ...desired, physicalId, attributes, isSecret };
    });
  }

  async delete(resource: StackResource): Promise<void> {
    await this.#tell('DELETE', resource, async (type, context) => {
      await type.delete(resource, resource.properties, context);
      return resource;
    });
  }

  skipDelete(resource: StackResource): void {
    this.context.ending.throwIfAborted();
    this.journal.resourceStatus('DELETE_SKIPPED', resource);
  }

  /** A resource that goes back to what stood before its replacement, which needs no call. */
  tellRestored(resource: StackResource): void {
    this.journal.resourceStatus('UPDATE_IN_PROGRESS', resource);
    this.journal.resourceStatus('UPDATE_COMPLETE', resource);
  }

  /** A resource that cannot even be tried. */
  refuse(verb: Verb, { logicalId, type }: Pick<DesiredResource, 'logicalId' | 'type'>, reason: string): DeployError {
    this.#failed[verb].add(logicalId);
    this.journal.resourceStatus(`${verb}_FAILED`, { logicalId, type, properties: {} }, { reason });
    return new DeployError(this.context.stackName, reason, { logicalId, resourceType: type });
  }

  /** Tells that the work on every resource under way has no use any more. The work itself goes on until it has come to rest. */
  cancel(): void {
    if (this.context.ending.aborted) return;
    for (const [logicalId, { verb, facts }] of this.#underWay) {
      this.#failed[verb].add(logicalId);
      this.journal.resourceStatus(`${verb}_FAILED`, facts, { reason: CANCELLED[verb] });
    }
    this.#underWay.clear();
  }

  /** The failures since the driver was made, as a stack's reason names them; empty: none. */
  failures(): string {
    const text = (verb: Verb, word: string): string => {
      const ids = [...this.#failed[verb]];
      return ids.length > 0 ? `The following resource(s) failed to ${word}: [${ids.join(', ')}]. ` : '';
    };
    return text('CREATE', 'create') + text('UPDATE', 'update') + text('DELETE', 'delete');
  }

  forgetFailures(): void {
    Object.values(this.#failed).forEach((ids) => ids.clear());
  }

  async #tell(
    verb: Verb,
    facts: ResourceFacts,
    work: (type: ResourceType, context: ResourceContext) => Promise<StackResource>,
    why?: string,
  ): Promise<StackResource> {
    const { journal, context: { ending } } = this;
    ending.throwIfAborted();
    const { logicalId, type } = facts;
    const operation = { verb, facts };
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    const status = (outcome: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED'): ResourceStatus => `${verb}_${outcome}`;
    journal.resourceStatus(status('IN_PROGRESS'), facts, { reason: why });
    const isKept = verb !== 'DELETE';
    if (isKept) this.#underWay.set(logicalId, operation);
    const isCancelled = (): boolean => isKept && this.#underWay.get(logicalId) !== operation;
    try {
      const resource = await work(typeOf(type), { ...this.context, logicalId, type });
      if (!isCancelled()) journal.resourceStatus(status('COMPLETE'), resource, { durationMs: durationMs() });
      return resource;
    } catch (error) {
      ending.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      this.#failed[verb].add(logicalId);
      if (!isCancelled()) journal.resourceStatus(status('FAILED'), facts, { reason, durationMs: durationMs() });
      throw new DeployError(this.context.stackName, reason, { logicalId, resourceType: type, cause: error });
    } finally {
      if (!isCancelled()) this.#underWay.delete(logicalId);
    }
  }
}

/** The properties whose change takes a new resource. Undefined: any. */
export function createOnlyProperties(type: string): readonly string[] | undefined {
  const { update, createOnly = [] } = typeOf(type);
  return update ? createOnly : undefined;
}

/** Whether a change of these properties takes a new resource. */
export function needsReplacement({ type, properties }: StackResource, desired: Properties): boolean {
  const createOnly = createOnlyProperties(type);
  return !createOnly || createOnly.some((name) => !isDeepStrictEqual(properties[name], desired[name]));
}

export function typeOf(type: string): ResourceType {
  return resourceType(type) ?? standIn;
}

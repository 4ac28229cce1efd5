import { isDeepStrictEqual } from 'node:util';
import type { CloudEvent, ResourceStatus } from '../cloud-event';
import type { Properties } from './properties';
import type { ResourceContext, ResourceType } from './resource-type';
import { resourceType } from './resource-types';
import { standIn } from './resource-types/stand-in';
import type { Resource, StackResource } from './stack';
import { DeployError, PartialFailure } from './stack';

export type DriverOptions = Omit<ResourceContext, 'logicalId' | 'type'> & { readonly emit: (event: CloudEvent) => void };

/** The resource as the template wants it; its id and attributes come from the service. */
export type DesiredResource = Omit<StackResource, keyof Resource>;

/** Creates, changes and deletes single resources of a stack, and tells how it goes. */
export class ResourceDriver {
  constructor(private readonly options: DriverOptions) {}

  /** Throws a `DeployError`; `onPartial` gets what stands after a failure and has to be deleted. */
  async create(desired: DesiredResource, onPartial: (resource: StackResource) => void): Promise<StackResource> {
    return this.#tell('CREATE', desired, async (type, context) => {
      try {
        return { ...desired, ...await type.create(desired.properties, context) };
      } catch (error) {
        if (error instanceof PartialFailure) onPartial({ ...desired, physicalId: error.physicalId, attributes: {} });
        throw error;
      }
    });
  }

  /** Whether a change of these properties takes a new resource. */
  needsReplacement({ type, properties }: StackResource, desired: Properties): boolean {
    const { update, createOnly = [] } = typeOf(type);
    return !update || createOnly.some((name) => !isDeepStrictEqual(properties[name], desired[name]));
  }

  /** A changed physical id in the answer: there are two resources now. */
  async update(current: StackResource, desired: DesiredResource): Promise<StackResource> {
    return this.#tell('UPDATE', desired, async (type, context) => {
      const updated = await type.update?.(current, desired.properties, context, current.properties);
      const { physicalId, attributes } = updated ?? current;
      return { ...desired, physicalId, attributes };
    });
  }

  async delete(resource: StackResource): Promise<void> {
    await this.#tell('DELETE', resource, async (type, context) => {
      await type.delete(resource, resource.properties, context);
      return resource;
    });
  }

  skipDelete({ logicalId, type, physicalId }: StackResource): void {
    this.options.emit({ kind: 'resource', stackName: this.options.stackName, logicalId, type, status: 'DELETE_SKIPPED', physicalId });
  }

  async #tell(
    verb: 'CREATE' | 'UPDATE' | 'DELETE',
    { logicalId, type }: DesiredResource,
    work: (type: ResourceType, context: ResourceContext) => Promise<StackResource>,
  ): Promise<StackResource> {
    const { emit, stackName } = this.options;
    const event = { kind: 'resource', stackName, logicalId, type } as const;
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    const status = (outcome: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED'): ResourceStatus => `${verb}_${outcome}`;
    emit({ ...event, status: status('IN_PROGRESS') });
    try {
      const resource = await work(typeOf(type), { ...this.options, logicalId, type });
      emit({ ...event, status: status('COMPLETE'), physicalId: resource.physicalId, durationMs: durationMs() });
      return resource;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      emit({ ...event, status: status('FAILED'), reason, durationMs: durationMs() });
      throw new DeployError(stackName, reason, { logicalId, resourceType: type, cause: error });
    }
  }
}

function typeOf(type: string): ResourceType {
  return resourceType(type) ?? standIn;
}

import { randomBytes } from 'node:crypto';
import type { ApiService } from '../api';
import type { Clock } from '../clock';
import type { NestedStacks } from './nested-stacks';
import type { Properties } from './properties';
import type { Resource } from './stack';
import type { Services } from '../services/services';

/** What a resource type works with. */
export interface ResourceContext {
  readonly services: Services;
  /** The control plane of the MicroVMs. */
  readonly microvms: ApiService;
  readonly clock: Clock;
  readonly account: string;
  readonly region: string;
  readonly stackName: string;
  readonly stackId: string;
  readonly logicalId: string;
  readonly type: string;
  readonly nested: NestedStacks;
  /** Whether a bucket that exists already was made in place of a bootstrap's: the stack that asks has it from now on. */
  readonly adopts: (bucketName: string) => boolean;
  readonly warn: (message: string) => void;
  /** Aborted when the cloud stops: what waits for somebody else's answer breaks off. */
  readonly ending: AbortSignal;
}

/** What a resource type makes a resource with. */
export interface CreationContext extends ResourceContext {
  /** Something stands under this id from now on, which has to be deleted unless the creation comes to its end. */
  readonly stands: (physicalId: string) => void;
}

/** How resources of one type come, change and go. */
export interface ResourceType {
  /** Properties whose change takes a new resource. Absent: every change does, if there is no `update`. */
  readonly createOnly?: readonly string[];
  /** The property that names a resource: two with the same name cannot stand side by side while one replaces the other. */
  readonly name?: string;
  /** Attributes may change in every update. */
  readonly changesAttributes?: boolean;
  /** Why CloudFormation does not even try this change. Undefined: it does. */
  refuse?(before: Properties, after: Properties): string | undefined;
  create(properties: Properties, context: CreationContext): Promise<Resource> | Resource;
  /** Changes a resource in place. The physical id of the answer differs if that made a new one. */
  update?(
    resource: Resource,
    properties: Properties,
    context: ResourceContext,
    before: Properties,
  ): Promise<Resource> | Resource;
  /** Deletes a resource; one that is gone is no error. */
  delete(resource: Resource, properties: Properties, context: ResourceContext): Promise<void> | void;
}

type NameContext = Pick<ResourceContext, 'stackName' | 'logicalId'>;

/** A name as CloudFormation makes it for a resource without one: `<stack>-<logical id>-<random>`, cut from the front parts. */
export function generatedName({ stackName, logicalId }: NameContext, maxLength: number): string {
  const suffix = randomBytes(8).toString('hex').slice(0, 12);
  const room = maxLength - suffix.length - 2;
  const id = logicalId.slice(0, Math.max(24, room - stackName.length));
  return `${stackName.slice(0, room - id.length)}-${id}-${suffix}`;
}

/** Runs a deletion; what is not there need not be deleted. */
export async function unlessGone(codes: readonly string[], work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error) || !codes.includes(error.name)) throw error;
  }
}

import type { Properties } from '../properties';
import { optionalString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import type { Resource } from '../stack';

export interface NamedStandIn {
  /** The property that names it. */
  readonly name: string;
  readonly maxLength: number;
  /** Further properties whose change takes a new resource. */
  readonly createOnly?: readonly string[];
  readonly describe: (name: string, context: ResourceContext, properties: Properties) => Resource;
}

/** A resource that has a name and attributes of the right form, and nothing behind them. */
export function namedStandIn({ name, maxLength, createOnly = [], describe }: NamedStandIn): ResourceType {
  return {
    createOnly: [name, ...createOnly],
    name,
    create(properties, context) {
      return describe(optionalString(properties, name) ?? generatedName(context, maxLength), context, properties);
    },
    update: (resource) => resource,
    delete() {
      // There is nothing behind it.
    },
  };
}

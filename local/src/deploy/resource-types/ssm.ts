import { optionalString, requiredString } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';

export const parameter: ResourceType = {
  createOnly: ['Name'],
  create(properties, context) {
    const name = optionalString(properties, 'Name') ?? generatedName(context, 1000);
    const { parameters } = context.services;
    if (parameters.has(name)) throw new Error(`Parameter ${name} already exists`);
    const value = requiredString(properties, 'Value');
    parameters.set(name, value);
    return { physicalId: name, attributes: { Type: requiredString(properties, 'Type'), Value: value } };
  },
  update(resource, properties, { services }) {
    const value = requiredString(properties, 'Value');
    services.parameters.set(resource.physicalId, value);
    return { ...resource, attributes: { Type: requiredString(properties, 'Type'), Value: value } };
  },
  delete({ physicalId }, _, { services }) {
    services.parameters.delete(physicalId);
  },
};

import type { ParameterDetails } from '../../services/ssm/parameter-store';
import { PARAMETER_TYPES } from '../../services/ssm/parameter-store';
import type { Properties } from '../properties';
import { optionalString, requiredString } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';

export const parameter: ResourceType = {
  createOnly: ['Name'],
  name: 'Name',
  create(properties, context) {
    const name = optionalString(properties, 'Name') ?? generatedName(context, 1000);
    const { parameters } = context.services;
    if (parameters.has(name)) throw new Error(`${name} already exists`);
    const value = requiredString(properties, 'Value');
    const details = detailsOf(properties);
    parameters.put(name, value, details);
    return { physicalId: name, attributes: { Type: details.type, Value: value } };
  },
  update(resource, properties, { services }) {
    const value = requiredString(properties, 'Value');
    const details = detailsOf(properties);
    services.parameters.put(resource.physicalId, value, details);
    return { ...resource, attributes: { Type: details.type, Value: value } };
  },
  delete({ physicalId }, _, { services }) {
    services.parameters.delete(physicalId);
  },
};

function detailsOf(properties: Properties): ParameterDetails {
  const given = requiredString(properties, 'Type');
  // CloudFormation makes no secure parameters.
  const type = PARAMETER_TYPES.find((name) => name === given && name !== 'SecureString');
  if (!type) throw new Error(`Properties validation failed: Type must be String or StringList, got ${given}`);
  return { type, description: optionalString(properties, 'Description') };
}

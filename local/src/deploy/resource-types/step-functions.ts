import { optionalString, record, requiredString } from '../properties';
import type { Properties } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

export const stateMachine: ResourceType = {
  createOnly: ['StateMachineName', 'StateMachineType'],
  name: 'StateMachineName',
  create(properties, context) {
    const name = optionalString(properties, 'StateMachineName') ?? generatedName(context, 80);
    const arn = context.services.stepFunctions.create(name, definitionOf(properties), requiredString(properties, 'RoleArn'));
    return { physicalId: arn, attributes: { Arn: arn, Name: name } };
  },
  update(resource, properties, { services }) {
    services.stepFunctions.update(resource.physicalId, definitionOf(properties), requiredString(properties, 'RoleArn'));
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['StateMachineDoesNotExist'], () => services.stepFunctions.delete(physicalId));
  },
};

function definitionOf(properties: Properties): string {
  const text = optionalString(properties, 'DefinitionString') ?? JSON.stringify(record(properties, 'Definition'));
  const substitutions = record(properties, 'DefinitionSubstitutions');
  return text.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => optionalString(substitutions, name) ?? whole);
}

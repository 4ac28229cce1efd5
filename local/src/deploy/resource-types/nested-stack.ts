import type { NestedInput, NestedStack } from '../nested-stacks';
import { NESTED_PARAMETER_ERROR, readNestedTemplate } from '../nested-template';
import type { Properties } from '../properties';
import { record, records, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import type { Resource } from '../stack';

/** A stack in a stack, from a template in the local S3. */
export const nestedStack: ResourceType = {
  changesAttributes: true,
  async create(properties, context) {
    let begun: string | undefined;
    const onBegun = (id: string): void => {
      begun = id;
      context.stands(id);
    };
    try {
      const input = { ...await inputOf(properties, context), stackName: generatedName(context, 128) };
      return resourceOf(await context.nested.create(input, context.stackId, onBegun));
    } catch (error) {
      if (begun === undefined) throw error;
      throw new Error(`Embedded stack ${begun} was not successfully created: ${(error as Error).message}`);
    }
  },
  async update({ physicalId }, properties, context) {
    const input = await inputOf(properties, context);
    try {
      return resourceOf(await context.nested.update(physicalId, input));
    } catch (error) {
      throw new Error(`Embedded stack ${physicalId} was not successfully updated: ${(error as Error).message}`);
    }
  },
  async delete({ physicalId }, _, { nested }) {
    await nested.delete(physicalId);
  },
};

async function inputOf(properties: Properties, context: ResourceContext): Promise<Omit<NestedInput, 'stackName'>> {
  const parameters = Object.entries(record(properties, 'Parameters')).map(([name, value]) => [name, parameterText(name, value)]);
  const tags = records(properties, 'Tags').map((tag) => [requiredString(tag, 'Key'), requiredString(tag, 'Value')]);
  return {
    templateBody: await readNestedTemplate(requiredString(properties, 'TemplateURL'), context),
    parameters: Object.fromEntries(parameters) as Record<string, string>,
    tags: Object.fromEntries(tags) as Record<string, string>,
  };
}

function parameterText(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object') throw new Error(`${NESTED_PARAMETER_ERROR}: ${name}`);
  return String(value);
}

function resourceOf({ id, outputs }: NestedStack): Resource {
  return { physicalId: id, attributes: Object.fromEntries(Object.entries(outputs).map(([key, value]) => [`Outputs.${key}`, value])) };
}

import type { RuleTarget } from '../../services/schedules';
import type { Properties } from '../properties';
import { optionalString, record, records, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';

export const rule: ResourceType = {
  createOnly: ['Name', 'EventBusName'],
  name: 'Name',
  create(properties, context) {
    const name = optionalString(properties, 'Name') ?? generatedName(context, 64);
    if (context.services.schedules.rules().includes(name)) throw new Error(`${name} already exists`);
    put(name, properties, context);
    return { physicalId: name, attributes: { Arn: context.services.schedules.arn(name) } };
  },
  update(resource, properties, context) {
    put(resource.physicalId, properties, context);
    return resource;
  },
  delete({ physicalId }, _, { services }) {
    services.schedules.remove(physicalId);
  },
};

function put(name: string, properties: Properties, context: ResourceContext): void {
  const expression = optionalString(properties, 'ScheduleExpression');
  if (expression === undefined) {
    context.services.schedules.remove(name);
    return context.warn(`${context.logicalId}: the local cloud fires rules by their schedule, not by an event pattern`);
  }
  const enabled = optionalString(properties, 'State') !== 'DISABLED';
  const targets = records(properties, 'Targets').flatMap((target) => targetOf(target, context));
  context.services.schedules.put({ name, expression, enabled, targets });
}

function targetOf(target: Properties, { warn, logicalId }: ResourceContext): RuleTarget[] {
  const arn = requiredString(target, 'Arn');
  if (/:lambda:[^:]*:[^:]*:function:/.test(arn)) {
    const input = optionalString(target, 'Input');
    const inputPath = optionalString(target, 'InputPath');
    return [{ functionArn: arn, input, inputPath, inputTransformer: transformerOf(target) }];
  }
  warn(`${logicalId}: the local cloud fires rules only at functions, not at ${arn}`);
  return [];
}

function transformerOf(target: Properties): RuleTarget['inputTransformer'] {
  if (target.InputTransformer === undefined) return undefined;
  const transformer = record(target, 'InputTransformer');
  const given = record(transformer, 'InputPathsMap');
  const paths = Object.fromEntries(Object.keys(given).map((name) => [name, requiredString(given, name)]));
  return { paths, template: requiredString(transformer, 'InputTemplate') };
}

import { parameterValues, shownParameter } from './parameters';
import type { Stack } from './stack';
import type { StackInput } from './stack-engine';
import type { Desired } from './stack-operation';
import type { PlanOptions } from './stack-plan';
import { StackPlan } from './stack-plan';
import { readTemplate } from './template-check';
import { ServiceError } from '../services/service-error';

export type DefinitionOptions = Omit<PlanOptions, 'stackId' | 'stackName'>;

/**
 * What a stack is to become. `stack` is what it is now, if it is there; a new one has nothing but an id. Throws the `ValidationError` with
 * which CloudFormation refuses an operation before it begins.
 */
export function defineStack(
  input: StackInput,
  stack: Stack | undefined,
  stackId: string,
  options: DefinitionOptions,
): Desired {
  const template = readTemplate(input.templateBody);
  const names = Object.keys(template.Parameters ?? {});
  const previous = Object.entries(stack?.parameters ?? {}).filter(([name]) => names.includes(name));
  const given = { ...Object.fromEntries(previous), ...input.parameters };
  const values = parameterValues(template, given, options.ssmParameters);
  return {
    plan: asValidation(() => new StackPlan(template, values, { ...options, stackId, stackName: input.stackName })),
    definition: {
      template,
      templateBody: input.templateBody,
      parameters: Object.fromEntries(values.map((value) => [value.key, value.given])),
      shownParameters: values.map(shownParameter),
      tags: input.tags ?? stack?.tags ?? {},
      roleArn: input.roleArn ?? stack?.roleArn,
      disableRollback: input.disableRollback ?? false,
    },
  };
}

/** What the template's own functions find wrong before anything has begun. */
function asValidation<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('ValidationError', error instanceof Error ? error.message : String(error));
  }
}

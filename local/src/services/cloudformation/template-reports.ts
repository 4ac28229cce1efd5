import type { ApiRequest, ObjectReader } from '../../api';
import type { StackEngine } from '../../deploy/stack-engine';
import type { QueryInput, QueryOperation } from '../query-protocol';
import { StackLookup } from './stack-lookup';
import type { ParameterDeclaration, TemplateOutline } from './template-outline';
import { outlineOf } from './template-outline';
import { requiredTemplate } from './template-source';

/** The operations that tell what is in a template. */
export class TemplateReports {
  readonly #stacks: StackLookup;

  readonly operations: Readonly<Record<string, QueryOperation>> = {
    ValidateTemplate: async (input, request) => validated(outlineOf(await this.#sentTemplate(input, request))),
    GetTemplateSummary: async (input, request) => summarized(outlineOf(await this.#template(input, request))),
  };

  constructor(engine: StackEngine, private readonly objects: ObjectReader) {
    this.#stacks = new StackLookup(engine);
  }

  #template(input: QueryInput, request: ApiRequest): string | Promise<string> {
    const stackName = input.string('StackName');
    return stackName === undefined ? this.#sentTemplate(input, request) : this.#stacks.withId(stackName).templateBody;
  }

  #sentTemplate(input: QueryInput, request: ApiRequest): Promise<string> {
    return requiredTemplate(input, request, this.objects);
  }
}

function validated({ description, parameters, capabilities, capabilitiesReason, transforms }: TemplateOutline): object {
  return {
    Description: description,
    Parameters: parameters.map(commonOf),
    Capabilities: capabilities,
    CapabilitiesReason: capabilitiesReason,
    DeclaredTransforms: transforms,
  };
}

function summarized(outline: TemplateOutline): object {
  const { parameters, resourceTypes, version, metadata } = outline;
  return {
    ...validated(outline),
    Parameters: parameters.map((parameter) => {
      const { type, allowedValues } = parameter;
      const ParameterConstraints = allowedValues && { AllowedValues: allowedValues };
      return { ...commonOf(parameter), ParameterType: type, ParameterConstraints };
    }),
    ResourceTypes: resourceTypes,
    Version: version,
    Metadata: metadata,
  };
}

function commonOf({ name, defaultValue, noEcho, description }: ParameterDeclaration): object {
  return { ParameterKey: name, DefaultValue: defaultValue, NoEcho: noEcho, Description: description };
}

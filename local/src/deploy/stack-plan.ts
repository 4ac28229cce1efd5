import type { AssemblyStack } from './cloud-assembly';
import { dependenciesOf } from './dependencies';
import { Resolver } from './intrinsics';
import { parameterValues } from './parameters';
import type { Properties } from './properties';
import type { DesiredResource } from './resource-driver';
import { resourceType } from './resource-types';
import { standInAttribute } from './resource-types/stand-in';
import type { StackResource } from './stack';
import type { Template, TemplateResource } from './template';

export interface PlanOptions {
  readonly account: string;
  readonly region: string;
  readonly stackId: string;
  /** Systems Manager parameters by name. */
  readonly ssmParameters: ReadonlyMap<string, string>;
  readonly importValue: (name: string) => string;
}

/** A template with its parameters: what a stack is to become, evaluated as its resources come into being. */
export class StackPlan {
  readonly #template: Template;
  readonly #wanted: Readonly<Record<string, TemplateResource>>;
  readonly #resolver: Resolver;
  readonly #resources = new Map<string, StackResource>();
  /** Names of the exports that were read. */
  readonly imports = new Set<string>();
  /** The resources whose conditions hold, each with those that it needs first. */
  readonly dependencies: ReadonlyMap<string, ReadonlySet<string>>;

  constructor({ template, stackName, parameters }: AssemblyStack, private readonly options: PlanOptions) {
    const { account, region, stackId } = options;
    if (template.Transform) throw new Error(`the template asks for the transform ${JSON.stringify(template.Transform)}, which the local cloud does not run`);
    this.#template = template;
    this.#resolver = new Resolver({
      template,
      account,
      region,
      stackName,
      stackId,
      parameters: parameterValues(template, parameters, options.ssmParameters),
      ref: (logicalId) => this.#resource(logicalId).physicalId,
      attribute: (logicalId, name) => this.#attribute(logicalId, name),
      importValue: (name) => {
        this.imports.add(name);
        return options.importValue(name);
      },
    });
    const isWanted = ({ Condition }: TemplateResource): boolean => !Condition || this.#resolver.condition(Condition);
    const all = Object.entries(template.Resources ?? {});
    this.#wanted = Object.fromEntries(all.filter(([, resource]) => isWanted(resource)));
    this.dependencies = dependenciesOf(this.#wanted);
  }

  /** Types that nothing here knows. */
  unknownTypes(): string[] {
    const types = Object.values(this.#wanted).map(({ Type }) => Type);
    return [...new Set(types)].filter((type) => !resourceType(type));
  }

  /** Can be called once everything that the resource depends on is `settle`d. */
  desired(logicalId: string): DesiredResource {
    const { Type, Properties, DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' } = this.#wanted[logicalId];
    return {
      logicalId,
      type: Type,
      properties: (this.#resolver.resolve(Properties) ?? {}) as Properties,
      dependencies: this.dependencies.get(logicalId) ?? new Set(),
      deletionPolicy: DeletionPolicy,
      updateReplacePolicy: UpdateReplacePolicy,
    };
  }

  /** From now on references to this resource give these values. */
  settle(resource: StackResource): void {
    this.#resources.set(resource.logicalId, resource);
  }

  get resources(): ReadonlyMap<string, StackResource> {
    return this.#resources;
  }

  /** Can be called once every resource is settled. */
  outputs(): { outputs: Record<string, string>; exports: Map<string, string> } {
    const outputs: Record<string, string> = {};
    const exports = new Map<string, string>();
    for (const [name, { Value, Condition, Export }] of Object.entries(this.#template.Outputs ?? {})) {
      if (Condition && !this.#resolver.condition(Condition)) continue;
      outputs[name] = String(this.#resolver.resolve(Value));
      if (Export) exports.set(String(this.#resolver.resolve(Export.Name)), outputs[name]);
    }
    return { outputs, exports };
  }

  #resource(logicalId: string): StackResource {
    const resource = this.#resources.get(logicalId);
    if (!resource) throw new Error(`the template refers to "${logicalId}", which is neither a parameter nor a resource of this deployment`);
    return resource;
  }

  #attribute(logicalId: string, name: string): unknown {
    const { type, physicalId, attributes } = this.#resource(logicalId);
    if (Object.hasOwn(attributes, name)) return attributes[name];
    if (!resourceType(type)) return standInAttribute({ type, physicalId }, name, this.options);
    throw new Error(`${logicalId} (${type}) has no attribute ${name}; it has ${Object.keys(attributes).join(', ') || 'none'}`);
  }
}

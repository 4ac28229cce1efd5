import { isDeepStrictEqual } from 'node:util';
import { dependenciesOf } from './dependencies';
import { Resolver } from './intrinsics';
import type { ParameterValue } from './parameters';
import type { Properties } from './properties';
import type { DesiredResource } from './resource-driver';
import { resourceType } from './resource-types';
import { isCustomType, standInAttribute } from './resource-types/stand-in';
import { checkRules } from './rules';
import type { StackResource } from './stack';
import type { StackRecord } from './stack-engine';
import type { Exported } from './stack-store';
import type { Template, TemplateResource } from './template';
import { MASK } from './template';
import { usesIn } from './template-references';

export interface PlanOptions {
  readonly account: string;
  readonly region: string;
  readonly stackId: string;
  readonly stackName: string;
  /** Systems Manager parameters by name. */
  readonly ssmParameters: ReadonlyMap<string, string>;
  /** Throws if no stack exports it. */
  readonly imported: (name: string) => Exported;
}

/** Stands for a value that only a deployment can tell. */
export const UNKNOWN = '(known after the deployment: 7c0f8a52)';

/** A template with its parameters: what a stack is to become, evaluated as its resources come into being. */
export class StackPlan {
  /** Sees every value. */
  readonly #resolver: Resolver;
  /** Sees asterisks for what custom resources keep to themselves: what outputs show. */
  readonly #outputResolver: Resolver;
  /** Sees asterisks for that and for secret parameters: what events show. */
  readonly #eventResolver: Resolver;
  readonly #resources = new Map<string, StackResource>();
  readonly #unknown = new Map<string, 'all' | 'attributes'>();
  /** Names of the exports that were read. */
  readonly imports = new Set<string>();
  /** The resources whose conditions hold. */
  readonly wanted: Readonly<Record<string, TemplateResource>>;
  /** Each of them with those that it needs first. */
  readonly dependencies: ReadonlyMap<string, ReadonlySet<string>>;

  /** Throws what CloudFormation finds before it begins: rules that are not met, circles. */
  constructor(
    readonly template: Template,
    parameters: readonly ParameterValue[],
    private readonly options: PlanOptions,
  ) {
    const values = Object.fromEntries(parameters.map(({ key, value }) => [key, value]));
    const masked = Object.fromEntries(parameters.map(({ key, value, isSecret }) => [key, isSecret ? MASK : value]));
    this.#resolver = this.#newResolver(values, { isMasked: false });
    this.#outputResolver = this.#newResolver(values, { isMasked: true });
    this.#eventResolver = this.#newResolver(masked, { isMasked: true });
    checkRules(template, this.#resolver);
    const isWanted = ({ Condition }: TemplateResource): boolean => !Condition || this.#resolver.condition(Condition);
    this.wanted = Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => isWanted(resource)));
    this.dependencies = dependenciesOf(this.#resolver.prune(this.wanted) as typeof this.wanted);
  }

  /** Types that nothing here knows. */
  unknownTypes(): string[] {
    const types = Object.values(this.wanted).map(({ Type }) => Type);
    return [...new Set(types)].filter((type) => !resourceType(type));
  }

  /** Throws if nothing exports what the template imports. */
  checkImports(): void {
    const { Outputs = {} } = this.template;
    const outputs = Object.values(Outputs).filter(({ Condition }) => !Condition || this.#resolver.condition(Condition));
    for (const { name, argument } of usesIn(this.#resolver.prune([this.wanted, outputs]))) {
      if (name === 'Fn::ImportValue') this.#resolver.resolve({ [name]: argument });
    }
  }

  /** Can be called once everything that the resource depends on is `settle`d. */
  desired(logicalId: string): DesiredResource {
    const { Type, Properties, DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' } = this.wanted[logicalId];
    const properties = (this.#resolver.resolve(Properties) ?? {}) as Properties;
    return {
      logicalId,
      type: Type,
      properties,
      ...this.#shown(Properties, properties),
      dependencies: this.dependencies.get(logicalId) ?? new Set(),
      deletionPolicy: DeletionPolicy,
      updateReplacePolicy: UpdateReplacePolicy,
    };
  }

  /** One property alone; `UNKNOWN` if it cannot be told yet. */
  property(logicalId: string, name: string): unknown {
    try {
      return this.#resolver.resolve(this.wanted[logicalId].Properties?.[name]);
    } catch {
      return UNKNOWN;
    }
  }

  /** From now on references to this resource give these values. */
  settle(resource: StackResource): void {
    this.#resources.set(resource.logicalId, resource);
  }

  /** From now on references to this resource, or to its attributes alone, give `UNKNOWN`. */
  settleUnknown(logicalId: string, extent: 'all' | 'attributes'): void {
    this.#unknown.set(logicalId, extent);
  }

  /** Can be called once every resource is settled. Exports have their real values. */
  outputs(): { outputs: StackRecord['outputs']; exports: Map<string, string> } {
    const exports = new Map<string, string>();
    const outputs = Object.entries(this.template.Outputs ?? {}).flatMap(([key, output]) => {
      const { Value, Description: description, Condition, Export } = output;
      if (Condition && !this.#resolver.condition(Condition)) return [];
      const exportName = Export && String(this.#resolver.resolve(Export.Name));
      if (exportName !== undefined) exports.set(exportName, outputText(key, this.#resolver.resolve(Value)));
      const value = outputText(key, shownValue(this.#outputResolver, Value));
      const described = description !== undefined && { description };
      return [{ key, value, ...described, ...(exportName !== undefined && { exportName }) }];
    });
    return { outputs, exports };
  }

  #shown(template: Properties | undefined, properties: Properties): { shownProperties?: Properties } {
    const shown = Object.keys(properties).map((name) => [name, shownValue(this.#eventResolver, template?.[name])]);
    const shownProperties = Object.fromEntries(shown) as Properties;
    return isDeepStrictEqual(shownProperties, properties) ? {} : { shownProperties };
  }

  /** `isMasked`: what custom resources keep to themselves, here and in the stacks that this one imports from. */
  #newResolver(parameters: Record<string, unknown>, { isMasked }: { readonly isMasked: boolean }): Resolver {
    const { options, template } = this;
    return new Resolver({
      ...options,
      template,
      parameters,
      ref: (logicalId) => (this.#unknown.get(logicalId) === 'all' ? UNKNOWN : this.#resource(logicalId).physicalId),
      attribute: (logicalId, name) => (
        isMasked ? this.#shownAttribute(logicalId, name) : this.#attribute(logicalId, name)
      ),
      ...(isMasked && { condition: (name: string) => this.#resolver.condition(name) }),
      importValue: (name) => {
        this.imports.add(name);
        const { value, shown } = options.imported(name);
        return isMasked ? shown : value;
      },
    });
  }

  #resource(logicalId: string): StackResource {
    const resource = this.#resources.get(logicalId);
    if (!resource) throw new Error(`Template format error: Unresolved resource dependencies [${logicalId}] in the Resources block of the template`);
    return resource;
  }

  #shownAttribute(logicalId: string, name: string): unknown {
    const value = this.#attribute(logicalId, name);
    return this.#resources.get(logicalId)?.isSecret ? MASK : value;
  }

  #attribute(logicalId: string, name: string): unknown {
    if (this.#unknown.has(logicalId)) return UNKNOWN;
    const { type, physicalId, attributes } = this.#resource(logicalId);
    if (Object.hasOwn(attributes, name)) return attributes[name];
    if (!resourceType(type)) return standInAttribute({ type, physicalId }, name, this.options);
    if (isCustomType(type)) throw new Error(`CustomResource attribute error: Vendor response doesn't contain ${name} attribute in object ${this.options.stackId}|${logicalId}`);
    const known = Object.keys(attributes).join(', ') || 'none';
    throw new Error(`Template error: resource ${logicalId} does not support attribute type ${name} in Fn::GetAtt; ${type} has ${known}`);
  }
}

/** With asterisks for the whole where a function cannot do its work on asterisks. */
function shownValue(resolver: Resolver, value: unknown): unknown {
  try {
    return resolver.resolve(value);
  } catch {
    return MASK;
  }
}

function outputText(key: string, value: unknown): string {
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value);
  throw new Error(`Template format error: Output ${key} is malformed. The Value field of every Outputs member must evaluate to a String.`);
}

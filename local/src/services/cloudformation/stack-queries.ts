import type { StackEngine, StackRecord } from '../../deploy/stack-engine';
import type { QueryInput, QueryOperation } from '../query-protocol';
import { ServiceError } from '../service-error';
import { pageOf } from './pages';
import { StackLookup } from './stack-lookup';
import { describedResource, describedStack, detailedResource, summarizedResource, summarizedStack } from './views';

const MAX_DESCRIBED_RESOURCES = 100;

/** The operations that tell of stacks, their resources and their exports. */
export class StackQueries {
  readonly #stacks: StackLookup;

  readonly operations: Readonly<Record<string, QueryOperation>> = {
    DescribeStacks: (input) => this.#describeStacks(input),
    ListStacks: (input) => this.#listStacks(input),
    DescribeStackResources: (input) => this.#describeStackResources(input),
    DescribeStackResource: (input) => this.#describeStackResource(input),
    ListStackResources: (input) => this.#listStackResources(input),
    GetTemplate: (input) => this.#getTemplate(input),
    ListExports: (input) => this.#listExports(input),
    ListImports: (input) => this.#listImports(input),
  };

  constructor(private readonly engine: StackEngine) {
    this.#stacks = new StackLookup(engine);
  }

  #describeStacks(input: QueryInput): object {
    const name = input.string('StackName');
    if (name !== undefined) return { Stacks: [describedStack(this.#stacks.withId(name))] };
    const existing = this.engine.list().filter(({ status }) => status !== 'DELETE_COMPLETE').reverse();
    const { items, nextToken } = pageOf(existing, input.string('NextToken'), { keyOf: ({ id }) => id });
    return { Stacks: items.map(describedStack), NextToken: nextToken };
  }

  /** Deleted ones, too; the newest first. */
  #listStacks(input: QueryInput): object {
    const wanted = input.strings('StackStatusFilter') ?? [];
    const stacks = this.engine.list().filter(({ status }) => wanted.length === 0 || wanted.includes(status)).reverse();
    const { items, nextToken } = pageOf(stacks, input.string('NextToken'), { keyOf: ({ id }) => id });
    return { StackSummaries: items.map(summarizedStack), NextToken: nextToken };
  }

  #describeStackResources(input: QueryInput): object {
    const stack = this.#stackOrOwner(input);
    const logicalId = input.string('LogicalResourceId');
    const resources = stack.resources.filter((resource) => logicalId === undefined || resource.logicalId === logicalId);
    if (logicalId !== undefined && resources.length === 0) throw noSuchResource(logicalId, stack);
    const shown = resources.slice(0, MAX_DESCRIBED_RESOURCES);
    return { StackResources: shown.map((resource) => describedResource(stack, resource)) };
  }

  #stackOrOwner(input: QueryInput): StackRecord {
    const name = input.string('StackName');
    const physicalId = input.string('PhysicalResourceId');
    if (name !== undefined && physicalId !== undefined) {
      throw new ServiceError('ValidationError', 'Only one of StackName and PhysicalResourceId may be specified');
    }
    if (name !== undefined) return this.#stacks.withId(name);
    if (physicalId === undefined) throw new ServiceError('ValidationError', 'Either StackName or PhysicalResourceId must be specified');
    const owner = this.engine.list().find(({ status, resources }) => {
      return status !== 'DELETE_COMPLETE' && resources.some((resource) => resource.physicalId === physicalId);
    });
    if (!owner) throw new ServiceError('ValidationError', `Stack for ${physicalId} does not exist`);
    return owner;
  }

  #describeStackResource(input: QueryInput): object {
    const stack = this.#stacks.inQuotes(input.required('StackName'));
    const logicalId = input.required('LogicalResourceId');
    const resource = stack.resources.find((other) => other.logicalId === logicalId);
    if (!resource) throw noSuchResource(logicalId, stack);
    return { StackResourceDetail: detailedResource(stack, resource) };
  }

  #listStackResources(input: QueryInput): object {
    const stack = this.#stacks.withId(input.required('StackName'));
    const { items, nextToken } = pageOf(stack.resources, input.string('NextToken'), { keyOf: ({ logicalId }) => logicalId });
    const StackResourceSummaries = items.map((resource) => summarizedResource(stack, resource));
    return { StackResourceSummaries, NextToken: nextToken };
  }

  /** Nothing transforms a template here, so both stages are the template as it was sent. */
  #getTemplate(input: QueryInput): object {
    const { templateBody } = this.#stacks.withId(input.required('StackName'));
    const stage = input.string('TemplateStage') ?? 'Original';
    const StagesAvailable = ['Original', 'Processed'];
    if (!StagesAvailable.includes(stage)) throw new ServiceError('ValidationError', `TemplateStage ${stage.slice(0, 32)} is not one of ${StagesAvailable.join(', ')}`);
    return { TemplateBody: templateBody, StagesAvailable };
  }

  #listExports(input: QueryInput): object {
    const { items, nextToken } = pageOf(this.engine.exports(), input.string('NextToken'), { keyOf: ({ name }) => name });
    const Exports = items.map(({ name, value, stackId }) => ({ ExportingStackId: stackId, Name: name, Value: value }));
    return { Exports, NextToken: nextToken };
  }

  #listImports(input: QueryInput): object {
    const name = input.required('ExportName');
    const importers = this.engine.importers(name);
    if (importers.length === 0) throw new ServiceError('ValidationError', `Export '${name}' is not imported by any stack.`);
    const { items, nextToken } = pageOf(importers, input.string('NextToken'), { keyOf: (importer) => importer });
    return { Imports: items, NextToken: nextToken };
  }
}

function noSuchResource(logicalId: string, { name }: StackRecord): ServiceError {
  return new ServiceError('ValidationError', `Resource ${logicalId} does not exist for stack ${name}`);
}

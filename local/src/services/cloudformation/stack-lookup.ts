import type { StackEngine, StackRecord } from '../../deploy/stack-engine';
import { ServiceError } from '../service-error';

/** Finds a stack that has to be there. The words differ from operation to operation, and the CDK CLI compares them. */
export class StackLookup {
  constructor(private readonly engine: StackEngine) {}

  /** As DescribeStacks and most reads say it. */
  withId(nameOrId: string): StackRecord {
    return this.#found(nameOrId, `Stack with id ${nameOrId} does not exist`);
  }

  /** As UpdateStack, change sets and events say it. */
  inBrackets(nameOrId: string): StackRecord {
    return this.#found(nameOrId, `Stack [${nameOrId}] does not exist`);
  }

  /** As DescribeStackResource says it. */
  inQuotes(nameOrId: string): StackRecord {
    return this.#found(nameOrId, `Stack '${nameOrId}' does not exist`);
  }

  #found(nameOrId: string, otherwise: string): StackRecord {
    const stack = this.engine.find(nameOrId);
    if (!stack) throw new ServiceError('ValidationError', otherwise);
    return stack;
  }
}

import type { ApiRequest, ObjectReader } from '../../api';
import type { StackEngine } from '../../deploy/stack-engine';
import type { QueryInput, QueryOperation } from '../query-protocol';
import { ServiceError } from '../service-error';
import { deploymentInput, newStackName, rollbackDisabled } from './deployment-input';
import { RequestTokens } from './request-tokens';
import { StackLookup } from './stack-lookup';

interface StackId {
  readonly StackId: string;
}

/** The operations that change a stack without a change set. */
export class StackChanges {
  readonly #tokens = new RequestTokens();
  readonly #stacks: StackLookup;

  readonly operations: Readonly<Record<string, QueryOperation>> = {
    CreateStack: (input, request) => this.#once('CreateStack', input, () => this.#create(input, request)),
    UpdateStack: (input, request) => this.#once('UpdateStack', input, () => this.#update(input, request)),
    DeleteStack: (input) => this.#once('DeleteStack', input, () => this.#delete(input)),
    UpdateTerminationProtection: (input) => this.#setTerminationProtection(input),
    ContinueUpdateRollback: (input) => this.#refuseRollback(input),
    RollbackStack: (input) => this.#refuseRollback(input),
  };

  constructor(private readonly engine: StackEngine, private readonly objects: ObjectReader) {
    this.#stacks = new StackLookup(engine);
  }

  #once<Answer>(operation: string, input: QueryInput, work: () => Answer | Promise<Answer>): Promise<Answer> {
    return this.#tokens.once(input.string('ClientRequestToken'), `${operation} ${input.required('StackName')}`, work);
  }

  async #create(input: QueryInput, request: ApiRequest): Promise<StackId> {
    const name = newStackName(input);
    const { stack } = await deploymentInput(input, request, { objects: this.objects });
    // A stack under review takes its change set and nothing else.
    if (this.engine.find(name)) throw new ServiceError('AlreadyExistsException', `Stack [${name}] already exists`);
    const { id } = this.engine.create({ ...stack, disableRollback: rollbackDisabled(input) });
    if (input.boolean('EnableTerminationProtection')) this.engine.setTerminationProtection(id, true);
    return { StackId: id };
  }

  async #update(input: QueryInput, request: ApiRequest): Promise<StackId> {
    const existing = this.#stacks.inBrackets(input.required('StackName'));
    const { stack } = await deploymentInput(input, request, { existing, objects: this.objects });
    return { StackId: this.engine.update({ ...stack, disableRollback: rollbackDisabled(input) }).id };
  }

  /** A stack that is not there is deleted already. */
  #delete(input: QueryInput): void {
    const name = input.required('StackName');
    if (input.string('DeletionMode') === 'FORCE_DELETE_STACK') {
      throw new ServiceError('ValidationError', 'DeletionMode: the local cloud has only STANDARD');
    }
    const stack = this.engine.find(name);
    if (!stack || stack.status === 'DELETE_COMPLETE') return;
    if (stack.terminationProtection) {
      throw new ServiceError('ValidationError', `Stack [${name}] cannot be deleted while TerminationProtection is enabled`);
    }
    this.engine.delete(name, { retain: input.strings('RetainResources') ?? [] });
  }

  #setTerminationProtection(input: QueryInput): StackId {
    const enabled = input.boolean('EnableTerminationProtection');
    if (enabled === undefined) throw new ServiceError('ValidationError', 'EnableTerminationProtection is missing');
    const { id } = this.#stacks.inBrackets(input.required('StackName'));
    this.engine.setTerminationProtection(id, enabled);
    return { StackId: id };
  }

  #refuseRollback(input: QueryInput): never {
    const { id, status } = this.#stacks.inBrackets(input.required('StackName'));
    const way = 'the local cloud rolls back as part of the operation that failed; deploy again, or delete the stack';
    throw new ServiceError('ValidationError', `Stack:${id} is in ${status} state and can not be rolled back: ${way}`);
  }
}

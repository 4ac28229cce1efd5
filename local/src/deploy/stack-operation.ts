import type { ResourceDriver } from './resource-driver';
import type { Stack, StackResource } from './stack';
import { asDeployError, DeployError } from './stack';
import { StackChange } from './stack-change';
import { deleteLeftovers, deleteResources } from './stack-deletion';
import type { StackJournal } from './stack-journal';
import { USER_INITIATED } from './stack-journal';
import type { StackPlan } from './stack-plan';

const CLEANUP_ATTEMPTS = 3;

/** What a stack is to become, with the plan for its resources. */
export interface Desired {
  readonly plan: StackPlan;
  readonly definition: Pick<Stack, 'template' | 'templateBody' | 'parameters' | 'shownParameters' | 'tags' | 'roleArn' | 'disableRollback'>;
}

export interface Deletion {
  /** Logical ids of what stays. */
  readonly retain: readonly string[];
  /** A stack that imports from this one, which forbids the deletion. */
  readonly user?: { readonly exportName: string; readonly stackName: string };
}

export interface OperationOptions {
  readonly stack: Stack;
  readonly driver: ResourceDriver;
  readonly journal: StackJournal;
  /** Throws if other stacks forbid these exports. */
  readonly checkExports: (exports: ReadonlyMap<string, string>) => void;
  readonly warn: (message: string) => void;
  /** Aborted when the cloud stops: the operation breaks off where it is, without a rollback. */
  readonly ending: AbortSignal;
}

/** One creation, update or deletion of a stack. Throws a `DeployError` once everything has come to rest; the status tells the rest. */
export class StackOperation {
  constructor(private readonly options: OperationOptions) {}

  async create({ plan, definition }: Desired): Promise<void> {
    const { stack, journal, driver } = this.options;
    Object.assign(stack, definition);
    journal.stackStatus('CREATE_IN_PROGRESS', USER_INITIATED);
    try {
      await this.#bring(plan, new StackChange(stack, plan, driver, this.options.ending));
    } catch (error) {
      this.options.ending.throwIfAborted();
      const failure = asDeployError(stack.name, error);
      if (stack.disableRollback) {
        journal.stackStatus('CREATE_FAILED', this.#failures(failure));
        throw failure;
      }
      throw await this.#rollBackCreation(failure);
    }
    journal.stackStatus('CREATE_COMPLETE');
  }

  async update({ plan, definition }: Desired): Promise<void> {
    const { stack, journal, driver } = this.options;
    const { template, templateBody, parameters, shownParameters, tags, roleArn, outputs, exports, imports } = stack;
    const before = { template, templateBody, parameters, shownParameters, tags, roleArn, outputs, exports, imports };
    Object.assign(stack, definition);
    journal.stackStatus('UPDATE_IN_PROGRESS', USER_INITIATED);
    const change = new StackChange(stack, plan, driver, this.options.ending);
    try {
      await this.#bring(plan, change);
    } catch (error) {
      this.options.ending.throwIfAborted();
      const failure = asDeployError(stack.name, error);
      if (stack.disableRollback) {
        journal.stackStatus('UPDATE_FAILED', this.#failures(failure));
        throw failure;
      }
      throw await this.#rollBackUpdate(change, failure, before);
    }
    journal.stackStatus('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    change.dropRemoved();
    await this.#cleanUp();
    journal.stackStatus('UPDATE_COMPLETE');
  }

  /** What could not be deleted stays in the stack. */
  async delete({ retain, user }: Deletion): Promise<void> {
    const { stack, journal, driver } = this.options;
    journal.stackStatus('DELETE_IN_PROGRESS', USER_INITIATED);
    if (user) {
      const reason = `Delete canceled. Cannot delete export ${user.exportName} as it is in use by ${user.stackName}.`;
      journal.stackStatus('DELETE_FAILED', reason);
      throw new DeployError(stack.name, reason);
    }
    const isRetained = ({ logicalId, deletionPolicy }: StackResource): boolean => deletionPolicy.startsWith('Retain') || retain.includes(logicalId);
    const [failure] = await deleteResources(stack, driver, isRetained);
    this.options.ending.throwIfAborted();
    if (failure) {
      journal.stackStatus('DELETE_FAILED', driver.failures());
      throw failure;
    }
    journal.stackStatus('DELETE_COMPLETE');
  }

  async #bring(plan: StackPlan, change: StackChange): Promise<void> {
    const { stack, checkExports } = this.options;
    const before = stack.imports;
    // Until the operation is over both are in use.
    const holdImports = (): void => {
      stack.imports = new Set([...before, ...plan.imports]);
    };
    try {
      plan.checkImports();
      holdImports();
      await change.apply();
      const { outputs, exports } = plan.outputs();
      checkExports(exports);
      Object.assign(stack, { outputs, exports, imports: plan.imports });
    } catch (error) {
      holdImports();
      throw error;
    }
  }

  async #rollBackCreation(failure: DeployError): Promise<DeployError> {
    const { stack, journal, driver } = this.options;
    journal.stackStatus('ROLLBACK_IN_PROGRESS', `${this.#failures(failure)}Rollback requested by user.`);
    driver.forgetFailures();
    const [rollbackFailure] = await deleteResources(stack, driver, ({ deletionPolicy }) => deletionPolicy === 'Retain');
    this.options.ending.throwIfAborted();
    if (rollbackFailure) {
      journal.stackStatus('ROLLBACK_FAILED', driver.failures());
      return withRollback(failure, driver.failures());
    }
    stack.imports = new Set();
    journal.stackStatus('ROLLBACK_COMPLETE');
    return failure;
  }

  async #rollBackUpdate(change: StackChange, failure: DeployError, before: Partial<Stack>): Promise<DeployError> {
    const { stack, journal, driver } = this.options;
    journal.stackStatus('UPDATE_ROLLBACK_IN_PROGRESS', this.#failures(failure));
    driver.forgetFailures();
    const failed = await change.rollBack();
    this.options.ending.throwIfAborted();
    Object.assign(stack, before);
    if (failed.length > 0) {
      journal.stackStatus('UPDATE_ROLLBACK_FAILED', driver.failures());
      return withRollback(failure, driver.failures());
    }
    journal.stackStatus('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    await this.#cleanUp();
    journal.stackStatus('UPDATE_ROLLBACK_COMPLETE');
    return failure;
  }

  /** A deletion that fails here does not fail the update: in the end CloudFormation lets go of the resource. */
  async #cleanUp(): Promise<void> {
    const { stack, driver, warn } = this.options;
    for (let attempt = 1; attempt <= CLEANUP_ATTEMPTS && stack.leftovers.length > 0; attempt++) {
      await deleteLeftovers(stack, driver);
      this.options.ending.throwIfAborted();
    }
    for (const { resource: { logicalId, type, physicalId } } of stack.leftovers.splice(0)) {
      warn(`stack ${stack.name}: ${logicalId} (${type}, ${physicalId}) is not the stack's any more and could not be deleted`);
    }
    for (const logicalId of stack.states.keys()) if (!stack.resources.has(logicalId)) stack.states.delete(logicalId);
  }

  #failures({ reason }: DeployError): string {
    return this.options.driver.failures() || `${reason.replace(/\.$/, '')}. `;
  }
}

function withRollback(failure: DeployError, failures: string): DeployError {
  const { logicalId, resourceType, stackName } = failure;
  const reason = `${failure.reason}\nThe rollback failed, too: ${failures}Destroy the stack to try again.`;
  return new DeployError(stackName, reason, { logicalId, resourceType, cause: failure });
}

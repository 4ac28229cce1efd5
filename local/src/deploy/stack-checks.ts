import type { Stack, StackResource } from './stack';
import { isBusy } from './stack';
import type { StackPlan } from './stack-plan';
import { ServiceError } from '../services/service-error';

const NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const UPDATABLE = new Set(['CREATE_COMPLETE', 'CREATE_FAILED', 'UPDATE_COMPLETE', 'UPDATE_FAILED', 'UPDATE_ROLLBACK_COMPLETE']);

/** What CloudFormation refuses before an operation begins, in its words. */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw invalid(`1 validation error detected: Value '${name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, with at most 128 characters`);
}

/** A stack under review has its name, and nothing else yet. */
export function checkFree(name: string, existing: Stack | undefined): void {
  if (existing && existing.status !== 'REVIEW_IN_PROGRESS') throw new ServiceError('AlreadyExistsException', `Stack [${name}] already exists`);
}

export function checkUpdatable({ id, status }: Stack): void {
  if (!UPDATABLE.has(status)) throw invalid(`Stack:${id} is in ${status} state and can not be updated.`);
}

/** A resource keeps its type as long as it keeps its logical id. */
export function checkTypes({ resources }: Stack, plan: StackPlan): void {
  const isChanged = ({ logicalId, type }: StackResource): boolean => (plan.wanted[logicalId]?.Type ?? type) !== type;
  const changed = [...resources.values()].filter(isChanged).map(({ logicalId }) => logicalId);
  if (changed.length === 0) return;
  throw invalid(`Update of resource type is not permitted. The new template modifies resource type of the following resources: [${changed.join(', ')}]`);
}

export function checkDeletable(stack: Stack, retain: readonly string[]): void {
  const { name, status, resources } = stack;
  if (stack.terminationProtection) throw invalid(`Stack [${name}] cannot be deleted while TerminationProtection is enabled`);
  if (isBusy(stack)) throw invalid(`Stack [${name}] cannot be deleted while in status ${status}`);
  if (retain.length > 0 && status !== 'DELETE_FAILED') throw invalid(`RetainResources is for stacks in DELETE_FAILED; [${name}] is in ${status}`);
  const unknown = retain.filter((logicalId) => !resources.has(logicalId));
  if (unknown.length > 0) throw invalid(`RetainResources names [${unknown.join(', ')}], which stack [${name}] does not have`);
}

export function invalid(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}

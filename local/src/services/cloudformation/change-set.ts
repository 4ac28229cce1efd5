import type { ResourceChange, StackInput, StackRecord } from '../../deploy/stack-engine';

export type ChangeSetType = 'CREATE' | 'UPDATE';

/** What executing it would do, worked out when it was made. */
export interface ChangeSet {
  readonly id: string;
  readonly name: string;
  readonly type: ChangeSetType;
  readonly stackId: string;
  readonly stackName: string;
  readonly description?: string;
  readonly createdAt: number;
  readonly input: StackInput;
  /** As anybody may see them. */
  readonly parameters: StackRecord['parameters'];
  readonly capabilities: readonly string[];
  readonly includeNestedStacks: boolean;
  readonly importExistingResources: boolean;
  readonly changes: readonly ResourceChange[];
  /** Why it cannot be executed. Absent: it can. */
  readonly failure?: string;
  /** State of the stack that it was worked out from. */
  readonly basis: string;
  /** Absent before it is executed. */
  readonly execution?: 'EXECUTE_IN_PROGRESS' | 'EXECUTE_COMPLETE' | 'EXECUTE_FAILED';
}

/** Changes with every change of the stack. */
export function basisOf({ id, status, updatedAt }: StackRecord): string {
  return `${id} ${status} ${updatedAt ?? ''}`;
}

/** `stack`: the one that it is for, as it is now. */
export function executionStatus({ failure, execution, basis }: ChangeSet, stack: StackRecord): string {
  if (execution) return execution;
  if (failure !== undefined) return 'UNAVAILABLE';
  return basis === basisOf(stack) ? 'AVAILABLE' : 'OBSOLETE';
}

export function statusOf({ failure }: ChangeSet): string {
  return failure === undefined ? 'CREATE_COMPLETE' : 'FAILED';
}

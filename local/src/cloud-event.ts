import type { DeniedEvent } from './iam/authorization';

export type StackStatus =
  | 'CREATE_IN_PROGRESS' | 'CREATE_COMPLETE' | 'CREATE_FAILED' | 'ROLLBACK_IN_PROGRESS' | 'ROLLBACK_COMPLETE' | 'ROLLBACK_FAILED'
  | 'UPDATE_IN_PROGRESS' | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS' | 'UPDATE_COMPLETE' | 'UPDATE_FAILED' | 'UPDATE_ROLLBACK_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS' | 'UPDATE_ROLLBACK_COMPLETE' | 'UPDATE_ROLLBACK_FAILED' | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE' | 'DELETE_FAILED';

export type ResourceStatus =
  | 'CREATE_IN_PROGRESS' | 'CREATE_COMPLETE' | 'CREATE_FAILED' | 'UPDATE_IN_PROGRESS' | 'UPDATE_COMPLETE' | 'UPDATE_FAILED'
  | 'DELETE_IN_PROGRESS' | 'DELETE_COMPLETE' | 'DELETE_FAILED' | 'DELETE_SKIPPED';

export interface StackEvent {
  readonly kind: 'stack';
  readonly stackName: string;
  readonly status: StackStatus;
  readonly reason?: string;
  /** Since the operation began; on the last event of each. */
  readonly durationMs?: number;
}

export interface ResourceEvent {
  readonly kind: 'resource';
  readonly stackName: string;
  readonly logicalId: string;
  /** CloudFormation's type, as in `AWS::S3::Bucket`. */
  readonly type: string;
  readonly status: ResourceStatus;
  readonly physicalId?: string;
  readonly reason?: string;
  /** Since its IN_PROGRESS; on the last event of each. */
  readonly durationMs?: number;
}

/** Something is not as it would be on AWS. */
export interface WarningEvent {
  readonly kind: 'warning';
  readonly message: string;
}

/** A line that a function or a microVM wrote. */
export interface LogEvent {
  readonly kind: 'log';
  readonly logGroup: string;
  readonly message: string;
}

/** What happens in the local cloud, as it happens. */
export type CloudEvent = StackEvent | ResourceEvent | WarningEvent | LogEvent | DeniedEvent;

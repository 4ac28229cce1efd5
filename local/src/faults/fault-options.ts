import type { Occurrence } from './occurrence';
import type { HookName } from '../microvms/images/hook-settings';

/** A fault in the calls of one operation. */
export interface OperationFault extends Occurrence {
  /** AWS's name of the operation, as in `RunMicrovm`. */
  readonly operation: string;
}

export type LostAnswer = OperationFault;

export interface Refusal extends OperationFault {
  /** The `Retry-After` header of the answer, in whole seconds. Default: the answer has none. */
  readonly retryAfterSeconds?: number;
}

export interface ExceededQuota extends Occurrence {
  /** `RunMicrovm` (memory), `CreateMicrovmImage` or `UpdateMicrovmImage` (concurrent builds). */
  readonly operation: string;
}

export interface Delay extends OperationFault {
  /** Milliseconds of the cloud's clock that pass before the service sees the call. */
  readonly ms: number;
}

export interface ConflictingWrites extends Occurrence {
  /** `PutItem`, `UpdateItem`, `DeleteItem` or `TransactWriteItems`. Default: all of them. */
  readonly operation?: string;
  /** Name of the table. Default: every table. */
  readonly table?: string;
}

export interface SlowStorage extends Occurrence {
  /** An operation of S3, as in `GetObject`. Default: every one. */
  readonly operation?: string;
  /** Name of the bucket. Default: every bucket. */
  readonly bucket?: string;
  /** The `Retry-After` header of the answer, in whole seconds. Default: the answer has none. */
  readonly retryAfterSeconds?: number;
}

export interface MicrovmDeath extends Occurrence {
  /** The microVM that dies now. Default: those that become RUNNING next, as `times` or `rate` say. */
  readonly microvmId?: string;
  /** Of its main process, from 0 to 255. Default: 137, that of a process that was killed. */
  readonly exitCode?: number;
}

export interface FailingBuild extends Occurrence {
  /** Name of the image. Default: every image. */
  readonly image?: string;
  /** What the build tells as its `stateReason`, as in `The container image build failed.` */
  readonly reason: string;
  /** Lines of the build log. Default: none. */
  readonly log?: readonly string[];
  /** The chipset generation whose build fails, `3` or `4`; the other one succeeds. Default: both fail. */
  readonly chipsetGeneration?: string;
}

export interface HangingHook extends Occurrence {
  /** `ready` and `validate` hang in builds, the others in microVMs. */
  readonly hook: HookName;
  /** Name of the image. Default: every image. */
  readonly image?: string;
}

export interface RefusingEndpoint {
  /** Default: every microVM. */
  readonly microvmId?: string;
  /** How long, on the cloud's clock. */
  readonly seconds: number;
}

import type { CommandResult } from './command';
import type { ErrorBody, ErrorCode } from './protocol';

/** The words of the protocol, and those that only the client knows. */
export type SandboxErrorCode = ErrorCode | 'timeout' | 'connection_lost' | 'command_exit';

/** What an error carries beside its message. */
export interface SandboxErrorDetails {
  readonly code?: SandboxErrorCode;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly sandboxId?: string;
  readonly requestId?: string;
  readonly cause?: unknown;
}

/** A global symbol, so that an error is recognised across two copies of this package in one program. */
const BRAND = Symbol.for('microvm-sandbox.error');

/** The base of every error of this package. Its message never holds a token, a secret or a payload. */
export class SandboxError extends Error {
  /** Written out, because minifiers rename classes. */
  static readonly errorName: string = 'SandboxError';

  /** Like `instanceof`, and also true for an error of another copy of this package. */
  static isInstance<T extends abstract new (...args: never[]) => SandboxError>(
    this: T & { readonly errorName: string },
    value: unknown,
  ): value is InstanceType<T> {
    if (typeof value !== 'object' || value === null) return false;
    const names = (value as Record<symbol, unknown>)[BRAND];
    return Array.isArray(names) && names.includes(this.errorName);
  }

  readonly code: SandboxErrorCode;
  /** True if the same call may be made again, unchanged and without harm, and may then succeed. */
  readonly retryable: boolean;
  /** Milliseconds to wait before that, where known. */
  readonly retryAfterMs?: number;
  readonly sandboxId?: string;
  /** The AWS request id of the allocator call, where there was one. */
  readonly requestId?: string;

  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.errorName;
    this.code = details.code ?? 'internal';
    this.retryable = details.retryable ?? false;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.sandboxId !== undefined) this.sandboxId = details.sandboxId;
    if (details.requestId !== undefined) this.requestId = details.requestId;
    Object.defineProperty(this, BRAND, { value: namesUpTo(new.target) });
  }
}

function namesUpTo(type: { errorName: string }): string[] {
  const names: string[] = [];
  for (let at: typeof type | null = type; at?.errorName; at = Object.getPrototypeOf(at)) names.push(at.errorName);
  return names;
}

/** An argument that can never work; the message names it, what it was and what is allowed. */
export class InvalidArgumentError extends SandboxError {
  static override readonly errorName: string = 'InvalidArgumentError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'invalid_argument', ...details });
  }
}

/** The AWS credentials, the platform token or the daemon's secret were refused. */
export class AuthenticationError extends SandboxError {
  static override readonly errorName: string = 'AuthenticationError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'unauthenticated', ...details });
  }
}

/** The caller, or the sandbox's user, may not do this. Code `path_outside_reach`: a path leaves what the sandbox may touch. */
export class PermissionDeniedError extends SandboxError {
  static override readonly errorName: string = 'PermissionDeniedError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'permission_denied', ...details });
  }
}

/** This pool knows no such sandbox. */
export class SandboxNotFoundError extends SandboxError {
  static override readonly errorName: string = 'SandboxNotFoundError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'sandbox_not_found', ...details });
  }
}

/** The sandbox is gone for good: killed, out of lease, or past the platform's 8 hours. */
export class SandboxTerminatedError extends SandboxError {
  static override readonly errorName: string = 'SandboxTerminatedError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'sandbox_terminated', ...details });
  }
}

/** What ran out: one request, the time limit of a command, the wait for a sandbox, or the patience with a silent stream. */
export type TimeoutScope = 'request' | 'command' | 'acquire' | 'idle';

export class TimeoutError extends SandboxError {
  static override readonly errorName: string = 'TimeoutError';
  readonly scope: TimeoutScope;
  constructor(scope: TimeoutScope, message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'timeout', ...details });
    this.scope = scope;
  }
}

/** The pool's `maxSandboxes` are all in use. */
export class PoolExhaustedError extends SandboxError {
  static override readonly errorName: string = 'PoolExhaustedError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'pool_exhausted', retryable: true, ...details });
  }
}

/** The AWS account's quota is used up. */
export class QuotaExceededError extends SandboxError {
  static override readonly errorName: string = 'QuotaExceededError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'quota_exceeded', retryable: true, ...details });
  }
}

/** Too many calls; nothing was done. */
export class RateLimitError extends SandboxError {
  static override readonly errorName: string = 'RateLimitError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'rate_limited', retryable: true, ...details });
  }
}

/** The other side cannot serve this right now, or its answer was lost. */
export class ServiceBusyError extends SandboxError {
  static override readonly errorName: string = 'ServiceBusyError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'service_busy', retryable: true, ...details });
  }
}

/** The connection broke and it is unknown whether the request took effect, so it is not repeated. */
export class ConnectionLostError extends SandboxError {
  static override readonly errorName: string = 'ConnectionLostError';
  /** The command whose outcome is unknown; `commands.connect` may still find it. */
  readonly commandId?: string;
  constructor(message: string, details: SandboxErrorDetails & { readonly commandId?: string } = {}) {
    super(message, { code: 'connection_lost', ...details });
    if (details.commandId !== undefined) this.commandId = details.commandId;
  }
}

/** The sandbox knows no command with this id. A program that does not exist is no error but exit code 127. */
export class CommandNotFoundError extends SandboxError {
  static override readonly errorName: string = 'CommandNotFoundError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'command_not_found', ...details });
  }
}

/** With `throwOnError`: the command ended with another exit code than 0. */
export class CommandExitError extends SandboxError {
  static override readonly errorName: string = 'CommandExitError';
  readonly result: CommandResult;
  constructor(result: CommandResult, details: SandboxErrorDetails = {}) {
    const signal = result.signal === undefined ? '' : ` (${result.signal})`;
    super(`command ${result.commandId} ended with exit code ${result.exitCode}${signal}`, { code: 'command_exit', ...details });
    this.result = result;
  }
}

export class FileNotFoundError extends SandboxError {
  static override readonly errorName: string = 'FileNotFoundError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'file_not_found', ...details });
  }
}

export class FileExistsError extends SandboxError {
  static override readonly errorName: string = 'FileExistsError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'file_exists', ...details });
  }
}

/** The sandbox's disk is full. */
export class NotEnoughSpaceError extends SandboxError {
  static override readonly errorName: string = 'NotEnoughSpaceError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'not_enough_space', ...details });
  }
}

/** The pool or its image cannot do this. */
export class UnsupportedError extends SandboxError {
  static override readonly errorName: string = 'UnsupportedError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'unsupported', ...details });
  }
}

/** Client and pool speak different versions of the protocol: update the older one. */
export class ProtocolVersionError extends SandboxError {
  static override readonly errorName: string = 'ProtocolVersionError';
  constructor(message: string, details: SandboxErrorDetails = {}) {
    super(message, { code: 'protocol_version', ...details });
  }
}

const CLASSES: Readonly<Record<ErrorCode, new (message: string, details?: SandboxErrorDetails) => SandboxError>> = {
  invalid_argument: InvalidArgumentError,
  unauthenticated: AuthenticationError,
  permission_denied: PermissionDeniedError,
  unsupported: UnsupportedError,
  protocol_version: ProtocolVersionError,
  sandbox_not_found: SandboxNotFoundError,
  sandbox_terminated: SandboxTerminatedError,
  idempotency_conflict: InvalidArgumentError,
  pool_exhausted: PoolExhaustedError,
  quota_exceeded: QuotaExceededError,
  rate_limited: RateLimitError,
  service_busy: ServiceBusyError,
  not_ready: ServiceBusyError,
  stale_generation: ServiceBusyError,
  command_not_found: CommandNotFoundError,
  command_conflict: InvalidArgumentError,
  file_not_found: FileNotFoundError,
  file_exists: FileExistsError,
  not_a_directory: InvalidArgumentError,
  is_a_directory: InvalidArgumentError,
  directory_not_empty: InvalidArgumentError,
  path_outside_reach: PermissionDeniedError,
  not_enough_space: NotEnoughSpaceError,
  too_large: InvalidArgumentError,
  internal: SandboxError,
};

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(CLASSES, value);
}

/** The error class for what allocator or daemon answered. */
export function errorOf(body: ErrorBody, details: SandboxErrorDetails = {}): SandboxError {
  const { code, message, retryable, retryAfterMs } = body;
  return new CLASSES[code](message, { ...details, code, retryable, retryAfterMs });
}

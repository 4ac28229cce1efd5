/**
 * - `not_found`, `conflict`: 404 and 409
 * - `ended`: the microVM is terminated and cannot change any more (the service says so with a 400)
 * - `quota`: 402, an account limit; waiting helps, hammering does not
 * - `throttled`: 429
 * - `busy`: 5xx, or no answer at all
 * - `refused`: any other 4xx
 */
export type ServiceErrorKind = 'not_found' | 'conflict' | 'ended' | 'quota' | 'throttled' | 'busy' | 'refused';

export interface ServiceErrorOptions {
  readonly kind: ServiceErrorKind;
  readonly operation: string;
  readonly message: string;
  readonly certain: boolean;
  readonly retryAfterMs?: number;
}

/** A call to the MicroVMs service that failed. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly kind: ServiceErrorKind;
  readonly operation: string;
  readonly retryAfterMs?: number;
  /**
   * True if this call certainly changed nothing: the service refused its one and only attempt. After a retry it is false, because
   * an attempt without an answer may have worked before the last one was refused.
   */
  readonly certain: boolean;

  constructor(options: ServiceErrorOptions) {
    super(`${options.operation}: ${options.message}`);
    this.kind = options.kind;
    this.operation = options.operation;
    this.certain = options.certain;
    this.retryAfterMs = options.retryAfterMs;
  }
}

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}

/** Turns what the SDK threw into a `ServiceError`. */
export function toServiceError(operation: string, thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  const error = (thrown ?? {}) as SdkError;
  const kind = kindOf(error);
  return new ServiceError({
    kind,
    operation,
    message: `${error.name ?? 'Error'}: ${withoutValues(error.message ?? 'no message')}`,
    certain: kind !== 'busy' && error.$metadata?.attempts === 1,
    retryAfterMs: error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1000,
  });
}

function kindOf(error: SdkError): ServiceErrorKind {
  const status = error.$metadata?.httpStatusCode;
  if (error.name === 'ResourceNotFoundException') return 'not_found';
  if (error.name === 'ConflictException' || status === 409) return 'conflict';
  if (error.name === 'ServiceQuotaExceededException' || status === 402) return 'quota';
  if (error.name === 'ThrottlingException' || status === 429) return 'throttled';
  if (error.name === 'ValidationException' && /has been terminated/.test(error.message ?? '')) return 'ended';
  return status !== undefined && status >= 400 && status < 500 ? 'refused' : 'busy';
}

/** The service quotes the member that it refuses, and members hold payloads and environment variables. */
function withoutValues(message: string): string {
  return message.replace(/Value '[^]*?' at '/g, "Value at '").slice(0, 500);
}

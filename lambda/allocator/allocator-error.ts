import type { ErrorBody, ErrorCode } from '../../client/src/protocol/errors';
import type { SandboxRecord } from '../pool/sandbox-record';
import type { ServiceError } from '../pool/service-error';

/** How long to leave the service alone after it named an account limit. */
const QUOTA_PAUSE_MS = 60_000;
const BUSY_PAUSE_MS = 1000;
/** A build takes minutes. */
const UPDATE_PAUSE_MS = 5000;

/** A request that ends without its result, in the words of the protocol. */
export class AllocatorError extends Error {
  override readonly name = 'AllocatorError';

  constructor(readonly code: ErrorCode, message: string, private readonly retry?: { readonly afterMs?: number }) {
    super(message);
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retry !== undefined,
      ...(this.retry?.afterMs !== undefined && { retryAfterMs: this.retry.afterMs }),
    };
  }
}

export function busy(message: string): AllocatorError {
  return new AllocatorError('service_busy', message, { afterMs: BUSY_PAUSE_MS });
}

export function notFound(sandboxId: string): AllocatorError {
  return new AllocatorError('sandbox_not_found', `sandboxId: this pool has no sandbox ${sandboxId}; a sandbox is forgotten a day after it ended.`);
}

export function terminated({ sandboxId, reason }: Pick<SandboxRecord, 'sandboxId' | 'reason'>): AllocatorError {
  return new AllocatorError('sandbox_terminated', `Sandbox ${sandboxId} has ended (${reason ?? 'its lease ended'}). Create a new one.`);
}

/** What the caller is told when the service failed a call. */
export function fromServiceError(error: ServiceError): AllocatorError {
  switch (error.kind) {
    case 'quota':
      return new AllocatorError('quota_exceeded', `The account has reached a limit of the MicroVMs service. ${error.message}`, {
        afterMs: error.retryAfterMs ?? QUOTA_PAUSE_MS,
      });
    case 'throttled':
      return new AllocatorError('rate_limited', error.message, { afterMs: error.retryAfterMs ?? BUSY_PAUSE_MS });
    case 'busy':
    case 'conflict':
      return new AllocatorError('service_busy', error.message, { afterMs: error.retryAfterMs ?? BUSY_PAUSE_MS });
    case 'not_found':
      return error.operation === 'RunMicrovm' || error.operation === 'GetMicrovmImage' ? notRunnable(error) : new AllocatorError('internal', error.message);
    default:
      return new AllocatorError('internal', error.message);
  }
}

/** The service runs no version of an image that is being updated, also none that is ACTIVE. */
function notRunnable({ message, retryAfterMs }: ServiceError): AllocatorError {
  const text = `The image cannot be run now: it is being updated, or its version is not ACTIVE. ${message}`;
  return new AllocatorError('service_busy', text, { afterMs: retryAfterMs ?? UPDATE_PAUSE_MS });
}

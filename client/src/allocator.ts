import { InvokeCommand, type InvokeCommandOutput, type LambdaServiceException } from '@aws-sdk/client-lambda';
import { parseAllocatorAnswer } from './allocator-answer';
import { AttemptTimeout, type Deadline } from './deadline';
import {
  AuthenticationError,
  errorOf,
  InvalidArgumentError,
  PermissionDeniedError,
  RateLimitError,
  SandboxError,
  ServiceBusyError,
} from './errors';
import { ALLOCATOR_PROTOCOL_VERSION, type AllocatorOperation, type AllocatorRequest, type AllocatorResults } from './protocol';

/** The part of the SDK's `LambdaClient` that is used. */
export interface LambdaInvoker {
  send(command: InvokeCommand, options?: { abortSignal?: AbortSignal }): Promise<InvokeCommandOutput>;
}

/** An answer is taken for lost after this long, more than the allocator waits for anything. Every operation may be sent again. */
const ATTEMPT_MS = 40_000;
const BACKOFF = { firstMs: 100, mostMs: 5000 };

/** Sends operations to the pool's allocator and repeats what may succeed later. */
export class Allocator {
  readonly #lambda: LambdaInvoker;
  readonly #functionName: string;

  constructor(lambda: LambdaInvoker, functionName: string) {
    this.#lambda = lambda;
    this.#functionName = functionName;
  }

  async call<O extends AllocatorOperation>(
    request: Extract<AllocatorRequest, { operation: O }>,
    deadline: Deadline,
  ): Promise<AllocatorResults[O]> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#callOnce(request, deadline);
      } catch (error) {
        if (!(error instanceof SandboxError) || !error.retryable || !REPEATED.has(error.code)) throw error;
        const leastMs = error.retryAfterMs;
        // A caller who waited for nothing but this error is better served by it than by a timeout.
        if ((leastMs ?? 0) >= deadline.remainingMs) throw error;
        await deadline.backOff(attempt, { ...BACKOFF, leastMs }, error);
      }
    }
  }

  async #callOnce<O extends AllocatorOperation>(
    request: Extract<AllocatorRequest, { operation: O }>,
    deadline: Deadline,
  ): Promise<AllocatorResults[O]> {
    const sandboxId = 'sandboxId' in request ? request.sandboxId : undefined;
    const command = new InvokeCommand({
      FunctionName: this.#functionName,
      InvocationType: 'RequestResponse',
      Payload: Buffer.from(JSON.stringify({ ...request, version: ALLOCATOR_PROTOCOL_VERSION })),
    });
    let output: InvokeCommandOutput;
    try {
      output = await deadline.attempt((abortSignal) => this.#lambda.send(command, { abortSignal }), ATTEMPT_MS);
    } catch (error) {
      deadline.signal?.throwIfAborted();
      throw error instanceof SandboxError ? error : this.#invokeError(error);
    }
    const requestId = output.$metadata?.requestId;
    if (output.FunctionError) {
      throw new SandboxError(
        `the allocator failed on ${request.operation} (request id ${requestId ?? 'unknown'}); its log group says why`,
        { sandboxId, requestId },
      );
    }
    const answer = parseAllocatorAnswer(request.operation as O, output.Payload);
    if (answer.ok) return answer.result;
    throw errorOf(answer.error, { sandboxId, requestId });
  }

  #invokeError(error: unknown): SandboxError {
    const { name = 'unknown', $metadata = {} } = (error ?? {}) as Partial<LambdaServiceException>;
    const details = { cause: error, requestId: $metadata.requestId };
    if (error instanceof AttemptTimeout) return new ServiceBusyError('the answer of the allocator was lost', details);
    if (THROTTLES.has(name)) return new RateLimitError(`Lambda throttles calls of the allocator (${name})`, details);
    if (DENIALS.has(name)) {
      return new PermissionDeniedError(
        `these AWS credentials may not invoke ${this.#functionName}: grant it with pool.grantUse(grantee) or pool.connect(fn)`, details);
    }
    if (CREDENTIALS.has(name)) return new AuthenticationError(`AWS refuses these credentials, or there are none (${name})`, details);
    if (name === 'ResourceNotFoundException') {
      return new InvalidArgumentError(`pool: there is no function ${this.#functionName} in this account and Region`, details);
    }
    const status = $metadata.httpStatusCode;
    if (status !== undefined && status < 500) return new SandboxError(`Lambda refuses the call of the allocator (${name})`, details);
    return new ServiceBusyError(`the allocator could not be reached (${name})`, details);
  }
}

/** Codes after which the same request is sent again. A full pool is the caller's to wait for. */
const REPEATED: ReadonlySet<string> = new Set(['rate_limited', 'service_busy', 'not_ready']);

const THROTTLES: ReadonlySet<string> = new Set([
  'TooManyRequestsException', 'ThrottlingException', 'Throttling', 'EC2ThrottledException', 'RequestLimitExceeded',
]);
const DENIALS: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied']);
const CREDENTIALS: ReadonlySet<string> = new Set([
  'CredentialsProviderError', 'UnrecognizedClientException', 'ExpiredTokenException', 'InvalidSignatureException',
  'IncompleteSignatureException', 'MissingAuthenticationTokenException', 'InvalidClientTokenId', 'TokenProviderError',
]);

import { randomUUID } from 'node:crypto';
import type { LocalClock } from '../../clock';
import { ServiceError } from '../service-error';
import type { HandlerError } from './bootstrap';
import type { FunctionDefinition } from './function-definition';
import type { FunctionIdentities } from './function-identity';
import { readFunctionName } from './function-name';
import type { RunnableVersion } from './function-versions';
import type { LiveFunction } from './live-function';
import { isFull } from './live-function';
import { MAX_PAYLOAD_BYTES } from './payload-limits';

/** Waits before the second and third attempt of an asynchronous invocation. */
export const RETRY_DELAYS_MS: readonly number[] = [60_000, 120_000];

export interface InvocationResult {
  /** JSON. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
  /** The newest lines that this invocation wrote. */
  readonly logs: string[];
}

/** The functions there are. */
export interface FunctionDirectory {
  arn(name: string): string;
  find(nameOrArn: string): LiveFunction | undefined;
  /** Throws if it is not there, and once the cloud is stopped. */
  resolve(nameOrArn: string): RunnableVersion;
}

/** Runs functions for those who call them. */
export class FunctionInvocations {
  constructor(
    private readonly clock: LocalClock,
    private readonly identities: FunctionIdentities,
    private readonly functions: FunctionDirectory,
  ) {}

  /** Runs the function and waits for its answer. */
  async invoke(nameOrArn: string, payload: string): Promise<InvocationResult> {
    await this.#takeRole(nameOrArn);
    const { definition, pool } = this.functions.resolve(nameOrArn);
    if (!/^nodejs\d+\.x$/.test(definition.runtime)) {
      throw new ServiceError('InvalidRuntimeException', `function ${definition.name} has the runtime ${definition.runtime}; the local cloud runs only nodejs`, 502);
    }
    const live = this.functions.find(nameOrArn);
    if (live && isFull(live)) {
      throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' });
    }
    return this.#run({ definition, pool }, payload, readFunctionName(nameOrArn).qualifier);
  }

  /**
   * Runs the function for a caller that does not wait for its answer, and tries again as Lambda does: after one minute and after two
   * more, by the cloud's clock. Resolves after the first attempt.
   */
  async invokeAsync(nameOrArn: string, payload: string, attempt = 0): Promise<void> {
    const live = this.functions.find(nameOrArn);
    if (!live) return;
    const failed = await this.invoke(nameOrArn, payload)
      .then(({ functionError }) => functionError !== undefined, () => true);
    if (!failed || attempt >= live.asyncConfiguration.maximumRetryAttempts) return;
    this.clock.after(RETRY_DELAYS_MS[attempt], () => this.invokeAsync(nameOrArn, payload, attempt + 1));
  }

  /** Until nobody has changed the function meanwhile. */
  async #takeRole(nameOrArn: string): Promise<void> {
    const current = (): FunctionDefinition => this.functions.resolve(nameOrArn).definition;
    for (let taken: FunctionDefinition | undefined; taken !== current();) {
      taken = current();
      await this.identities.take(taken);
    }
  }

  async #run({ definition, pool }: RunnableVersion, payload: string, qualifier?: string): Promise<InvocationResult> {
    const arn = this.functions.arn(definition.name);
    const functionArn = qualifier === undefined ? arn : `${arn}:${qualifier}`;
    const invocation = { requestId: randomUUID(), payload, clockOffsetMs: this.clock.offsetMs, functionArn };
    const { logs, result = 'null', error = tooLarge(result) } = await pool.invoke(invocation, definition.timeoutSeconds);
    return error ? { payload: JSON.stringify(error), functionError: 'Unhandled', logs } : { payload: result, logs };
  }
}

function tooLarge(payload: string): Omit<HandlerError, 'trace'> | undefined {
  if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return undefined;
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`;
  return { errorType: 'Function.ResponseSizeTooLarge', errorMessage };
}

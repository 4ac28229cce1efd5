import type { Allocation, Ids } from './allocation';
import { AllocatorError, busy, fromServiceError } from './allocator-error';
import { connect } from './connect';
import { create } from './create';
import { extend } from './extend';
import { kill } from './kill';
import { list } from './list';
import { pause } from './pause';
import { parseRequest } from './request';
import { resume } from './resume';
import { token } from './token';
import type { AllocatorAnswer, AllocatorOperation, AllocatorRequest, AllocatorResults, ConnectedSandbox } from '../../client/src/protocol/allocator';
import { ALLOCATOR_TIMEOUT_SECONDS } from '../../src/contract/pool';
import type { ImageVersions } from '../pool/image-versions';
import type { Log } from '../pool/log';
import { metricMembers } from '../pool/metrics';
import type { Measured } from '../pool/metrics';
import type { Pool } from '../pool/pool';
import { ServiceError } from '../pool/service-error';

/** Waiting ends here; what is left covers one call with its retries. */
const WAIT_MS = (ALLOCATOR_TIMEOUT_SECONDS / 2) * 1000;

export interface Allocator extends Pool {
  readonly ids: Ids;
  readonly versions: ImageVersions;
  readonly log: Log;
}

/** Answers one event. Throws nothing: what the caller did wrong and what the service refused is an answer too. */
export async function allocate(allocator: Allocator, event: unknown): Promise<AllocatorAnswer> {
  const { clock, log, configuration: { poolName } } = allocator;
  const startedAt = clock.now();
  let request: AllocatorRequest | undefined;
  let answer: AllocatorAnswer;
  try {
    request = parseRequest(event);
    answer = { ok: true, result: await perform({ ...allocator, deadline: startedAt + WAIT_MS }, request) };
  } catch (error) {
    const failure = asAllocatorError(error);
    if (failure.code === 'internal') log({ level: 'error', operation: request?.operation, error: String(error).slice(0, 500) });
    answer = { ok: false, error: failure.toBody() };
  }
  const durationMs = clock.now() - startedAt;
  log({
    operation: request?.operation ?? 'none',
    sandboxId: sandboxIdOf(request, answer),
    outcome: answer.ok ? 'ok' : 'error',
    durationMs,
    ...(!answer.ok && { code: answer.error.code }),
    ...metricMembers(poolName, clock.now(), request?.operation === 'create' ? measuredOf(answer, durationMs) : {}),
  });
  return answer;
}

/** A sandbox that was found by its key was not created. */
function measuredOf(answer: AllocatorAnswer, durationMs: number): Measured {
  if (answer.ok) {
    const { launch } = answer.result as ConnectedSandbox;
    return launch.kind === 'cold' ? { created: 1, createDuration: durationMs } : {};
  }
  const { code, retryable } = answer.error;
  return {
    createFailed: 1,
    // A pool that is being deleted says so, too, and that no retry helps.
    ...(code === 'pool_exhausted' && retryable && { exhausted: 1 }),
    ...(code === 'quota_exceeded' && { quotaExceeded: 1 }),
  };
}

function perform(allocation: Allocation, request: AllocatorRequest): Promise<AllocatorResults[AllocatorOperation]> {
  switch (request.operation) {
    case 'create': return create(allocation, request);
    case 'connect': return connect(allocation, request);
    case 'list': return list(allocation, request);
    case 'extend': return extend(allocation, request);
    case 'pause': return pause(allocation, request);
    case 'resume': return resume(allocation, request);
    case 'kill': return kill(allocation, request);
    case 'token': return token(allocation, request);
  }
}

function asAllocatorError(error: unknown): AllocatorError {
  if (error instanceof AllocatorError) return error;
  if (error instanceof ServiceError) return fromServiceError(error);
  return fromTableError(error);
}

/** What is left comes from the table, or is a defect. */
function fromTableError(thrown: unknown): AllocatorError {
  const { name = 'Error', code, $fault } = (thrown ?? {}) as { name?: string; code?: unknown; $fault?: string };
  const passing = /^(Throttling|ProvisionedThroughput|RequestLimit|Transaction(Canceled|Conflict|InProgress)|Timeout)/.test(name);
  // Node names what broke a connection in `code`.
  const disconnected = typeof code === 'string' && /^E[A-Z]+$/.test(code);
  if (passing || disconnected || $fault === 'server') return busy(`The pool's table is busy (${name}).`);
  return new AllocatorError('internal', `The allocator failed (${name}); its log group says more.`);
}

function sandboxIdOf(request: AllocatorRequest | undefined, answer: AllocatorAnswer): string | undefined {
  if (request && 'sandboxId' in request) return request.sandboxId;
  return answer.ok && 'sandbox' in answer.result ? answer.result.sandbox.sandboxId : undefined;
}

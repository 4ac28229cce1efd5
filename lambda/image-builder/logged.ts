import { cloudFormationError } from './cloudformation-error';
import type { ProviderEvent } from './events';
import type { Log } from '../pool/log';

/** Logs one line about a call. The event itself stays out: it holds the response URL, with which anybody can answer CloudFormation. */
export async function logged<T extends object>(
  log: Log, operation: string, event: ProviderEvent, work: () => Promise<T>,
): Promise<T> {
  const startedAt = Date.now();
  const line = { operation, requestType: event.RequestType, logicalResourceId: event.LogicalResourceId };
  try {
    const result = await work();
    const complete = 'IsComplete' in result ? { complete: result.IsComplete } : {};
    log({ ...line, outcome: 'ok', ...complete, durationMs: Date.now() - startedAt });
    return result;
  } catch (error) {
    const answered = cloudFormationError(event, error);
    log({ ...line, outcome: 'error', durationMs: Date.now() - startedAt, error: answered.message });
    throw answered;
  }
}

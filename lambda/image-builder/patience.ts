import type { Builder } from './builder';
import { ServiceError } from '../pool/service-error';

/** In the field the right to pass a role took up to five minutes to arrive, counted from a policy that CloudFormation calls complete. */
const PATIENCE_MS = 4 * 60_000;
const RETRY_MS = 5000;

/** Repeats a call that is refused because a role or policy is younger than IAM's memory, or because the service has no room. */
export async function patiently<T>({ clock }: Pick<Builder, 'clock'>, call: () => Promise<T>): Promise<T> {
  const deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!passes(error) || clock.now() + RETRY_MS > deadline) throw error;
      await clock.sleep(RETRY_MS);
    }
  }
}

/** A quota that frees itself when other builds end; the one on images or on versions of an image does not. */
export function isQuotaThatFrees({ kind, message }: ServiceError): boolean {
  return kind === 'quota' && /concurrent|memory/i.test(message);
}

/** The service names the action in a 403, `iam:PassRole` also for a trust it cannot use, or says in a 400 that it cannot assume the role. */
function passes(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return (error as Error).name === 'AccessDenied';
  const { kind, message } = error;
  return kind === 'throttled' || isQuotaThatFrees(error) || (kind === 'refused' && /PassRole|assume|not authorized/i.test(message));
}

import type { Builder } from './builder';
import { ServiceError } from '../pool/service-error';

const PATIENCE_MS = 60_000;
const RETRY_MS = 5000;

/** Repeats a call that is refused because the build role is younger than IAM's memory, or because the service has no room. */
export async function patiently<T>({ clock }: Builder, call: () => Promise<T>): Promise<T> {
  const deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ServiceError) || !passes(error) || clock.now() + RETRY_MS > deadline) throw error;
      await clock.sleep(RETRY_MS);
    }
  }
}

/** The service names the role in a 403 for `iam:PassRole`, or says in a 400 that it cannot assume it. */
function passes({ kind, message }: ServiceError): boolean {
  return ['throttled', 'quota'].includes(kind) || (kind === 'refused' && /PassRole|assume/i.test(message));
}

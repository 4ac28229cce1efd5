import type { ResourceContext } from './resource-type';

const POLL_MS = 100;
/** CloudFormation gives up on a resource that has not settled by then. */
const MAX_WAIT_MS = 2 * 3_600_000;

/** Asks again until there is an answer. Throws once the cloud stops, and CloudFormation's `NotStabilized` when it takes too long. */
export async function untilStable<Answer>(
  { clock, ending }: Pick<ResourceContext, 'clock' | 'ending'>,
  ask: () => Promise<Answer | undefined> | Answer | undefined,
): Promise<Answer> {
  const latest = clock.now() + MAX_WAIT_MS;
  for (;;) {
    ending.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (clock.now() > latest) throw handlerError('NotStabilized');
    await clock.sleep(POLL_MS);
  }
}

/** How an event words the failure of a resource type's handler; it has no message of its own where the service gave none. */
export function handlerError(code: 'AlreadyExists' | 'InvalidRequest' | 'NotStabilized' | 'NotFound', message = 'null'): Error {
  return new Error(`Resource handler returned message: "${message}" (RequestToken: ${crypto.randomUUID()}, HandlerErrorCode: ${code})`);
}

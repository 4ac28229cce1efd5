import type { IsCompleteEvent } from './events';
import type { Wait } from './step';
import { IMAGE_DEADLINE_MINUTES } from '../../src/contract/image';

const MINUTE_MS = 60_000;
export const DEADLINE_MS = IMAGE_DEADLINE_MINUTES * MINUTE_MS;

/** In the field the right to pass a role took up to five minutes to arrive, counted from a policy that CloudFormation calls complete. */
export const IAM_PATIENCE_MS = 5 * MINUTE_MS;

/** The error to end with when something was waited for long enough, in words: whoever gives up after this one says nothing. */
export function expired(wait: Wait, { StartedAt }: Pick<IsCompleteEvent, 'StartedAt'>, now: number): Error | undefined {
  const limit = Math.min(wait.atMostMs ?? DEADLINE_MS, DEADLINE_MS);
  if (now - StartedAt < limit) return undefined;
  const waited = `Gave up after ${minutes(now - StartedAt)}: ${wait.waitsFor}.`;
  return new Error(wait.advice === undefined ? waited : `${waited} ${wait.advice}`);
}

export function minutes(durationMs: number): string {
  const count = Math.max(0, Math.floor(durationMs / MINUTE_MS));
  return count === 1 ? '1 minute' : `${count} minutes`;
}

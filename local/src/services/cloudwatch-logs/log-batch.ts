import type { LogGroup } from './log-group';
import { eventBytes } from './log-group';
import type { LogsInput } from './logs-input';
import { invalidParameter } from './logs-input';

type SentEvent = NonNullable<LogsInput['logEvents']>[number];

const MAX_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1024 ** 2;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_AGE_MS = 14 * DAY_MS;
const MAX_AHEAD_MS = 2 * HOUR_MS;

export interface AcceptedBatch {
  readonly accepted: readonly SentEvent[];
  /** Which of the events that were sent are too old or too new to be kept. */
  readonly rejectedLogEventsInfo?: Readonly<Record<string, number>>;
}

/** The events of a PutLogEvents that CloudWatch keeps. Throws for a batch that it refuses as a whole. */
export function acceptBatch(
  events: readonly SentEvent[],
  { retentionInDays = Infinity }: Pick<LogGroup, 'retentionInDays'>,
  now: number,
): AcceptedBatch {
  checkBatch(events);
  const expired = countBefore(events, now - retentionInDays * DAY_MS);
  const tooOld = countBefore(events, now - MAX_AGE_MS);
  const tooNew = countBefore(events, now + MAX_AHEAD_MS + 1);
  const info = {
    // Ends are exclusive.
    ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
    ...(expired > 0 && { expiredLogEventEndIndex: expired }),
    ...(tooNew < events.length && { tooNewLogEventStartIndex: tooNew }),
  };
  const accepted = events.slice(Math.max(tooOld, expired), tooNew);
  return Object.keys(info).length > 0 ? { accepted, rejectedLogEventsInfo: info } : { accepted };
}

function checkBatch(events: readonly SentEvent[]): void {
  if (events.length === 0 || events.length > MAX_EVENTS) throw invalidParameter(`logEvents must have 1 to ${MAX_EVENTS} members, got ${events.length}`);
  for (const [index, { timestamp, message }] of events.entries()) {
    if (!Number.isSafeInteger(timestamp) || timestamp < 0) throw invalidParameter(`logEvents.${index + 1}.timestamp must be a whole number from 0`);
    if (typeof message !== 'string' || message === '') throw invalidParameter(`logEvents.${index + 1}.message must have at least 1 character`);
  }
  if (events.some(({ timestamp }, index) => index > 0 && timestamp < events[index - 1].timestamp)) {
    throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
  }
  if ((events.at(-1)?.timestamp ?? 0) - events[0].timestamp > DAY_MS) {
    throw invalidParameter('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.');
  }
  const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
  if (bytes > MAX_BATCH_BYTES) throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`);
}

/** They are in the order of time. */
function countBefore(events: readonly SentEvent[], time: number): number {
  const at = events.findIndex(({ timestamp }) => timestamp >= time);
  return at < 0 ? events.length : at;
}

import { ServiceError } from '../service-error';
import { matcher } from './filter-pattern';
import type { LogEvent, LogGroup } from './log-group';
import { eventBytes, inOrder } from './log-group';
import type { LogsInput } from './logs-input';
import { invalidParameter, pageSize, streamName } from './logs-input';

const MAX_EVENTS = 10_000;
const MAX_PAGE_BYTES = 1024 ** 2;
const MAX_STREAMS = 100;

/** Where a page ended: time and sequence number of its first or last event. */
type Position = Pick<LogEvent, 'timestamp' | 'sequence'>;

const START: Position = { timestamp: -1, sequence: 0 };
const END: Position = { timestamp: Number.MAX_SAFE_INTEGER, sequence: 0 };

/**
 * A stream's events in pages, forwards or backwards from where a token says. Both tokens are always there; the one that was sent comes
 * back when there is nothing more in its direction.
 */
export function getEvents(group: LogGroup, input: LogsInput): object {
  const stream = streamName(input);
  checkStreams(group, [stream]);
  const { startTime = 0, endTime = Infinity } = input;
  const all = group.events
    .filter((event) => event.stream === stream && event.timestamp >= startTime && event.timestamp < endTime)
    .sort(inOrder);
  const { direction, position } = fromToken(input);
  const limit = pageSize(input, MAX_EVENTS);
  const isAhead = ({ timestamp, sequence }: LogEvent): boolean => {
    const distance = timestamp - position.timestamp || sequence - position.sequence;
    return direction === 'f' ? distance > 0 : distance < 0;
  };
  const ahead = all.filter(isAhead);
  const events = direction === 'f' ? firstPage(ahead, limit) : firstPage(ahead.reverse(), limit).reverse();
  // Without a token nothing is ahead only where nothing is at all.
  const here = input.nextToken === undefined ? START : position;
  return {
    events: events.map(described),
    nextForwardToken: toToken('f', events.at(-1) ?? here),
    nextBackwardToken: toToken('b', events.at(0) ?? here),
  };
}

/** The events of all or some streams that fit, by time, in pages. */
export function filterEvents(group: LogGroup, input: LogsInput): object {
  const { logStreamNames: names, logStreamNamePrefix: prefix, startTime = 0, endTime = Infinity } = input;
  if (names !== undefined && prefix !== undefined) throw invalidParameter('Log stream name prefix and log stream names are mutually exclusive.');
  if (names !== undefined && (names.length === 0 || names.length > MAX_STREAMS)) {
    throw invalidParameter(`logStreamNames must have 1 to ${MAX_STREAMS} members, got ${names.length}`);
  }
  checkStreams(group, names ?? []);
  const matches = matcher(input.filterPattern ?? '');
  const { position } = input.nextToken === undefined ? { position: START } : fromToken(input);
  const wanted = new Set(names);
  const all = group.events
    .filter(({ stream }) => names === undefined || wanted.has(stream))
    .filter(({ stream }) => stream.startsWith(prefix ?? ''))
    // The end is included here, unlike in GetLogEvents.
    .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
    .filter(({ timestamp, sequence }) => (timestamp - position.timestamp || sequence - position.sequence) > 0)
    .filter(({ message }) => matches(message))
    .sort(inOrder);
  const page = firstPage(all, pageSize(input, MAX_EVENTS));
  const last = page.at(-1);
  const events = page.map((event) => (
    { ...described(event), logStreamName: event.stream, eventId: String(event.sequence) }
  ));
  return { events, searchedLogStreams: [], ...(last && page.length < all.length && { nextToken: toToken('f', last) }) };
}

function checkStreams({ streams }: LogGroup, names: readonly string[]): void {
  if (names.some((name) => !streams.has(name))) throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
}

/** As many as the limit lets through, and as are in 1 MiB. */
function firstPage(events: readonly LogEvent[], limit: number): LogEvent[] {
  let bytes = 0;
  const end = events.slice(0, limit).findIndex((event) => {
    bytes += eventBytes(event);
    return bytes > MAX_PAGE_BYTES;
  });
  // A page is never empty while there is something: a single event is always sent.
  return events.slice(0, end < 0 ? limit : Math.max(end, 1));
}

function described({ timestamp, ingestedAt: ingestionTime, message }: LogEvent): object {
  return { timestamp, ingestionTime, message };
}

function toToken(direction: 'f' | 'b', { timestamp, sequence }: Position): string {
  return `${direction}/${timestamp}.${sequence}`;
}

function fromToken({ nextToken, startFromHead = false }: LogsInput): { direction: string; position: Position } {
  if (nextToken === undefined) return startFromHead ? { direction: 'f', position: START } : { direction: 'b', position: END };
  const [, direction, timestamp, sequence] = /^([fb])\/(-?\d{1,16})\.(\d{1,16})$/.exec(nextToken) ?? [];
  if (direction === undefined) throw invalidParameter('The specified nextToken is invalid.');
  return { direction, position: { timestamp: Number(timestamp), sequence: Number(sequence) } };
}

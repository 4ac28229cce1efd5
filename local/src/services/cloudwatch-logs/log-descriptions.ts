import type { LogEvent, LogGroup } from './log-group';
import { eventBytes } from './log-group';
import type { LogsInput } from './logs-input';
import { invalidParameter, pageSize } from './logs-input';

const MAX_DESCRIBED = 50;

export interface DescribedStream {
  readonly logStreamName: string;
  readonly creationTime: number;
  readonly arn: string;
  readonly firstEventTimestamp?: number;
  readonly lastEventTimestamp?: number;
  readonly lastIngestionTime?: number;
  readonly uploadSequenceToken: string;
  readonly storedBytes: number;
}

/** A page of the groups whose name fits, by name. */
export function describeGroups(groups: readonly LogGroup[], arnOf: (name: string) => string, input: LogsInput): object {
  const { logGroupNamePrefix: prefix = '', logGroupNamePattern: pattern = '' } = input;
  if (prefix !== '' && pattern !== '') throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
  const fitting = groups
    .filter(({ name }) => name.startsWith(prefix) && name.toLowerCase().includes(pattern.toLowerCase()))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, nextToken } = page(fitting, ({ name }) => name, input);
  const logGroups = items.map(({ name, createdAt, retentionInDays, events }) => ({
    logGroupName: name,
    creationTime: createdAt,
    retentionInDays,
    metricFilterCount: 0,
    arn: `${arnOf(name)}:*`,
    logGroupArn: arnOf(name),
    logGroupClass: 'STANDARD',
    storedBytes: events.reduce((sum, event) => sum + eventBytes(event), 0),
  }));
  return { logGroups, nextToken };
}

/** A page of a group's streams, by name or by their last event. */
export function describeStreams(group: LogGroup, groupArn: string, input: LogsInput): object {
  const { orderBy = 'LogStreamName', descending = false, logStreamNamePrefix: prefix = '' } = input;
  if (orderBy !== 'LogStreamName' && orderBy !== 'LastEventTime') {
    throw invalidParameter(`orderBy must be LogStreamName or LastEventTime, got ${orderBy}`);
  }
  if (orderBy === 'LastEventTime' && prefix !== '') throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
  const direction = descending ? -1 : 1;
  const time = ({ lastEventTimestamp = 0 }: DescribedStream): number => orderBy === 'LastEventTime' ? lastEventTimestamp : 0;
  const fitting = describedStreams(group, groupArn)
    .filter(({ logStreamName }) => logStreamName.startsWith(prefix))
    .sort((a, b) => direction * (time(a) - time(b) || (a.logStreamName < b.logStreamName ? -1 : 1)));
  const { items: logStreams, nextToken } = page(fitting, ({ logStreamName }) => logStreamName, input);
  return { logStreams, nextToken };
}

function describedStreams({ streams, events }: LogGroup, groupArn: string): DescribedStream[] {
  const byStream = new Map<string, LogEvent[]>();
  for (const event of events) {
    const known = byStream.get(event.stream);
    if (known) known.push(event);
    else byStream.set(event.stream, [event]);
  }
  return [...streams].map(([logStreamName, creationTime]) => ({
    logStreamName,
    creationTime,
    arn: `${groupArn}:log-stream:${logStreamName}`,
    ...times(byStream.get(logStreamName) ?? []),
    uploadSequenceToken: '0',
    // CloudWatch answers 0 for every stream.
    storedBytes: 0,
  }));
}

function times(events: readonly LogEvent[]): Partial<DescribedStream> {
  if (events.length === 0) return {};
  const timestamps = events.map(({ timestamp }) => timestamp);
  return {
    firstEventTimestamp: timestamps.reduce((a, b) => Math.min(a, b)),
    lastEventTimestamp: timestamps.reduce((a, b) => Math.max(a, b)),
    lastIngestionTime: events.at(-1)?.ingestedAt,
  };
}

/** The token names the last item that was sent: what comes or goes meanwhile does not shift the next page. */
function page<Item>(
  all: readonly Item[], nameOf: (item: Item) => string, input: LogsInput,
): { items: readonly Item[]; nextToken?: string } {
  const size = pageSize(input, MAX_DESCRIBED);
  const last = input.nextToken === undefined ? undefined : Buffer.from(input.nextToken, 'base64url').toString();
  const at = last === undefined ? -1 : all.findIndex((item) => nameOf(item) === last);
  if (last !== undefined && at < 0) throw invalidParameter('The specified nextToken is invalid.');
  const items = all.slice(at + 1, at + 1 + size);
  const end = items.at(-1);
  const isLast = end === undefined || at + 1 + size >= all.length;
  return isLast ? { items } : { items, nextToken: Buffer.from(nameOf(end)).toString('base64url') };
}

import type { ApiRequest, ApiResponse, ApiService, LogSink } from '../api';
import type { Clock } from '../clock';
import type { Persistent } from '../persistent';
import { answerJson, ServiceError } from './service-error';

const MAX_EVENTS_PER_GROUP = 100_000;
const DEFAULT_LIMIT = 10_000;
/** How many events of a group are kept over a restart: the newest. */
const MAX_SAVED_EVENTS = 2000;

interface LogEvent {
  readonly sequence: number;
  readonly stream: string;
  readonly timestamp: number;
  readonly message: string;
}

interface LogGroup {
  /** Made on purpose, not by a first write. */
  declared: boolean;
  retentionInDays?: number;
  readonly streams: Map<string, number>;
  events: LogEvent[];
}

type SavedGroup = Omit<LogGroup, 'streams'> & { readonly name: string; readonly streams: [string, number][] };

interface LogsInput {
  readonly logGroupName?: string;
  readonly logGroupIdentifier?: string;
  readonly logGroupNamePrefix?: string;
  readonly logStreamName?: string;
  readonly logStreamNamePrefix?: string;
  readonly logStreamNames?: string[];
  readonly logEvents?: { timestamp: number; message: string }[];
  readonly retentionInDays?: number;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly limit?: number;
  readonly nextToken?: string;
  readonly startFromHead?: boolean;
  readonly filterPattern?: string;
}

/** CloudWatch Logs, in memory: the newest 100 000 events of each group. */
export class LogsService implements ApiService, LogSink, Persistent {
  readonly #groups = new Map<string, LogGroup>();
  #sequence = 0;

  constructor(
    private readonly clock: Clock,
    private readonly accountInArns: { region: string; account: string },
    private readonly onWrite: (logGroup: string, message: string) => void = () => undefined,
  ) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerJson<LogsInput>(request, 'CloudWatch Logs', {
      CreateLogGroup: (input) => this.createGroup(nameOf(input)),
      DeleteLogGroup: (input) => this.deleteGroup(nameOf(input)),
      DescribeLogGroups: (input) => this.#describeGroups(input.logGroupNamePrefix ?? ''),
      PutRetentionPolicy: (input) => this.setRetention(nameOf(input), input.retentionInDays),
      DeleteRetentionPolicy: (input) => this.setRetention(nameOf(input), undefined),
      CreateLogStream: (input) => this.#createStream(nameOf(input), streamOf(input)),
      DescribeLogStreams: (input) => this.#describeStreams(input),
      PutLogEvents: (input) => this.#putEvents(input),
      GetLogEvents: (input) => this.#getEvents(input),
      FilterLogEvents: (input) => this.#filterEvents(input),
    });
  }

  save(): unknown {
    const groups = [...this.#groups].map(([name, { declared, retentionInDays, streams, events }]) => (
      { name, declared, retentionInDays, streams: [...streams], events: events.slice(-MAX_SAVED_EVENTS) }
    ));
    return { sequence: this.#sequence, groups };
  }

  restore(state: unknown): void {
    const { sequence, groups } = state as { sequence: number; groups: SavedGroup[] };
    this.#sequence = sequence;
    for (const { name, streams, ...group } of groups) this.#groups.set(name, { ...group, streams: new Map(streams) });
  }

  /** Makes the group and the stream if there are none, as Lambda does. */
  write(logGroup: string, logStream: string, message: string): void {
    const group = this.#groups.get(logGroup) ?? this.#add(logGroup, false);
    this.#append(logGroup, group, { stream: logStream, timestamp: this.clock.now(), message });
  }

  /** Every message of a group in the order of writing. Empty if there is no such group. */
  messages(logGroup: string): string[] {
    return this.#groups.get(logGroup)?.events.map(({ message }) => message) ?? [];
  }

  /** Groups that somebody made; those that only came into being by a write are left out. */
  declaredGroups(): string[] {
    return [...this.#groups].filter(([, { declared }]) => declared).map(([name]) => name);
  }

  groupArn(name: string): string {
    return `arn:aws:logs:${this.accountInArns.region}:${this.accountInArns.account}:log-group:${name}`;
  }

  createGroup(name: string): void {
    const existing = this.#groups.get(name);
    if (existing?.declared) throw new ServiceError('ResourceAlreadyExistsException', `The specified log group already exists: ${name}`);
    if (existing) existing.declared = true;
    else this.#add(name, true);
  }

  setRetention(name: string, days: number | undefined): void {
    this.#group(name).retentionInDays = days;
  }

  deleteGroup(name: string): void {
    this.#group(name);
    this.#groups.delete(name);
  }

  #add(name: string, declared: boolean): LogGroup {
    const group: LogGroup = { declared, streams: new Map(), events: [] };
    this.#groups.set(name, group);
    return group;
  }

  #append(name: string, group: LogGroup, event: Omit<LogEvent, 'sequence'>): void {
    if (!group.streams.has(event.stream)) group.streams.set(event.stream, this.clock.now());
    group.events.push({ sequence: ++this.#sequence, ...event });
    if (group.events.length > MAX_EVENTS_PER_GROUP) group.events = group.events.slice(MAX_EVENTS_PER_GROUP / 10);
    this.onWrite(name, event.message);
  }

  #group(name: string): LogGroup {
    const group = this.#groups.get(name);
    if (!group) throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  #groupWithStream(input: LogsInput): LogGroup {
    const group = this.#group(nameOf(input));
    if (!group.streams.has(streamOf(input))) throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
    return group;
  }

  #describeGroups(prefix: string): object {
    const groups = [...this.#groups].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      logGroups: groups.map(([logGroupName, { retentionInDays }]) => ({ logGroupName, arn: `${this.groupArn(logGroupName)}:*`, retentionInDays })),
    };
  }

  #createStream(groupName: string, stream: string): void {
    const { streams } = this.#group(groupName);
    if (streams.has(stream)) throw new ServiceError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    streams.set(stream, this.clock.now());
  }

  #describeStreams(input: LogsInput): object {
    const group = this.#group(nameOf(input));
    const logStreams = [...group.streams]
      .filter(([name]) => name.startsWith(input.logStreamNamePrefix ?? ''))
      .map(([logStreamName, creationTime]) => {
        const times = group.events.filter(({ stream }) => stream === logStreamName).map(({ timestamp }) => timestamp);
        return { logStreamName, creationTime, firstEventTimestamp: times.at(0), lastEventTimestamp: times.at(-1) };
      });
    return { logStreams };
  }

  #putEvents(input: LogsInput): object {
    const group = this.#groupWithStream(input);
    for (const { timestamp, message } of input.logEvents ?? []) {
      this.#append(nameOf(input), group, { stream: streamOf(input), timestamp, message });
    }
    return { nextSequenceToken: String(this.#sequence) };
  }

  /** Tokens name the sequence number that a page ended at; the same token again means that there is nothing more. */
  #getEvents(input: LogsInput): object {
    const all = this.#groupWithStream(input).events
      .filter(({ stream }) => stream === streamOf(input))
      .filter(within(input));
    const limit = input.limit ?? DEFAULT_LIMIT;
    const after = Number(input.nextToken?.replace('f/', '') ?? 0);
    const following = all.filter(({ sequence }) => sequence > after);
    const page = input.startFromHead || input.nextToken ? following.slice(0, limit) : following.slice(-limit);
    const token = `f/${page.at(-1)?.sequence ?? after}`;
    return { events: page.map(described), nextForwardToken: token, nextBackwardToken: token };
  }

  #filterEvents(input: LogsInput): object {
    const after = Number(input.nextToken ?? 0);
    const matches = matcher(input.filterPattern ?? '');
    const all = this.#group(nameOf(input)).events
      .filter(({ sequence, stream }) => sequence > after && (input.logStreamNames?.includes(stream) ?? true))
      .filter(({ stream, message }) => stream.startsWith(input.logStreamNamePrefix ?? '') && matches(message))
      .filter(within(input));
    const page = all.slice(0, input.limit ?? DEFAULT_LIMIT);
    const events = page.map((event) => {
      return { ...described(event), logStreamName: event.stream, eventId: String(event.sequence) };
    });
    return { events, ...(page.length < all.length && { nextToken: String(page.at(-1)?.sequence) }) };
  }
}

function nameOf({ logGroupName, logGroupIdentifier }: LogsInput): string {
  const name = logGroupName ?? logGroupIdentifier?.split(':log-group:').at(-1);
  if (!name) throw new ServiceError('InvalidParameterException', 'logGroupName is missing');
  return name;
}

function streamOf({ logStreamName }: LogsInput): string {
  if (!logStreamName) throw new ServiceError('InvalidParameterException', 'logStreamName is missing');
  return logStreamName;
}

function within({ startTime = 0, endTime = Infinity }: LogsInput): (event: LogEvent) => boolean {
  return ({ timestamp }) => timestamp >= startTime && timestamp < endTime;
}

function described({ timestamp, message }: LogEvent): object {
  return { timestamp, ingestionTime: timestamp, message };
}

/** Words that must all be there; CloudWatch's further pattern syntax is refused. */
function matcher(pattern: string): (message: string) => boolean {
  const terms = [...pattern.matchAll(/"([^"]*)"|([A-Za-z0-9_.-]+)|(\S)/g)];
  if (terms.some(([, , , other]) => other)) {
    throw new ServiceError('InvalidParameterException', `the local cloud understands only words in a filterPattern, got ${pattern}`);
  }
  return (message) => terms.every(([, quoted, word]) => message.includes(quoted ?? word));
}

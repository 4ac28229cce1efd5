import { StringDecoder } from 'node:string_decoder';
import type { ApiRequest, ApiResponse, ApiService, LogSink } from '../../api';
import type { Clock } from '../../clock';
import { MAX_EVENT_BYTES } from '../../line-splitter';
import type { Persistent } from '../../persistent';
import { answerJson, ServiceError } from '../service-error';
import { acceptBatch } from './log-batch';
import { describeGroups, describeStreams } from './log-descriptions';
import type { LogEvent, LogGroup } from './log-group';
import { filterEvents, getEvents } from './log-reading';
import type { LogsInput } from './logs-input';
import { checkRetention, groupName, invalidParameter, streamName } from './logs-input';

const MAX_EVENTS_PER_GROUP = 100_000;
/** A guest may write long lines without end. */
const MAX_CHARACTERS_PER_GROUP = 64 * 1024 ** 2;
/** How many events of a group are kept over a restart: the newest. */
const MAX_SAVED_EVENTS = 2000;

type SavedGroup = Omit<LogGroup, 'streams'> & { readonly streams: [string, number][] };

/** CloudWatch Logs, in memory: the newest 100 000 events of each group, and of long ones the newest 64 MiB. */
export class LogsService implements ApiService, LogSink, Persistent {
  readonly #groups = new Map<string, LogGroup>();
  /** What the messages of each group hold at most; what is deleted is counted until room is needed. */
  readonly #characters = new WeakMap<LogGroup, number>();
  #sequence = 0;

  constructor(
    private readonly clock: Clock,
    private readonly accountInArns: { region: string; account: string },
    private readonly onWrite: (logGroup: string, message: string) => void = () => undefined,
  ) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerJson<LogsInput>(request, 'CloudWatch Logs', {
      CreateLogGroup: (input) => this.createGroup(groupName(input)),
      DeleteLogGroup: (input) => this.deleteGroup(groupName(input)),
      DescribeLogGroups: (input) => describeGroups([...this.#groups.values()], (name) => this.groupArn(name), input),
      PutRetentionPolicy: (input) => this.#putRetention(input),
      DeleteRetentionPolicy: (input) => this.setRetention(groupName(input), undefined),
      CreateLogStream: (input) => this.#createStream(groupName(input), streamName(input)),
      DeleteLogStream: (input) => this.#deleteStream(groupName(input), streamName(input)),
      DescribeLogStreams: (input) => {
        const name = groupName(input);
        return describeStreams(this.#group(name), this.groupArn(name), input);
      },
      PutLogEvents: (input) => this.#putEvents(input),
      GetLogEvents: (input) => getEvents(this.#group(groupName(input)), input),
      FilterLogEvents: (input) => filterEvents(this.#group(groupName(input)), input),
    });
  }

  save(): unknown {
    const groups = [...this.#groups.values()].map(({ streams, events, ...group }): SavedGroup => (
      { ...group, streams: [...streams], events: events.slice(-MAX_SAVED_EVENTS) }
    ));
    return { sequence: this.#sequence, groups };
  }

  restore(state: unknown): void {
    const { sequence, groups } = state as { sequence: number; groups: SavedGroup[] };
    this.#sequence = sequence;
    for (const { streams, ...saved } of groups) {
      const group = { ...saved, streams: new Map(streams) };
      this.#groups.set(group.name, group);
      this.#characters.set(group, group.events.reduce((sum, { message }) => sum + message.length, 0));
    }
  }

  /** Makes the group and the stream if there are none, as Lambda does. */
  write(logGroup: string, logStream: string, message: string, time = this.clock.now()): void {
    const group = this.#groups.get(logGroup) ?? this.#add(logGroup, false);
    if (!group.streams.has(logStream)) group.streams.set(logStream, this.clock.now());
    this.#append(group, { stream: logStream, timestamp: time, message: cut(message) });
  }

  hasGroup(logGroup: string): boolean {
    return this.#groups.has(logGroup);
  }

  /** Every message of a group in the order of writing. Empty if there is no such group. */
  messages(logGroup: string): string[] {
    return this.#groups.get(logGroup)?.events.map(({ message }) => message) ?? [];
  }

  /** Groups that somebody made; those that only came into being by a write are left out. */
  declaredGroups(): string[] {
    return [...this.#groups.values()].filter(({ declared }) => declared).map(({ name }) => name);
  }

  groupArn(name: string): string {
    return `arn:aws:logs:${this.accountInArns.region}:${this.accountInArns.account}:log-group:${name}`;
  }

  createGroup(name: string, retentionInDays?: number): void {
    checkRetention(retentionInDays);
    if (this.#groups.has(name)) throw new ServiceError('ResourceAlreadyExistsException', 'The specified log group already exists');
    this.#add(name, true).retentionInDays = retentionInDays;
  }

  setRetention(name: string, days: number | undefined): void {
    checkRetention(days);
    this.#group(name).retentionInDays = days;
  }

  deleteGroup(name: string): void {
    this.#group(name);
    this.#groups.delete(name);
  }

  #add(name: string, declared: boolean): LogGroup {
    const group: LogGroup = { name, declared, createdAt: this.clock.now(), streams: new Map(), events: [] };
    this.#groups.set(name, group);
    return group;
  }

  #append(group: LogGroup, event: Pick<LogEvent, 'stream' | 'timestamp' | 'message'>): void {
    group.events.push({ sequence: ++this.#sequence, ingestedAt: this.clock.now(), ...event });
    if (group.events.length > MAX_EVENTS_PER_GROUP) group.events = group.events.slice(MAX_EVENTS_PER_GROUP / 10);
    const characters = (this.#characters.get(group) ?? 0) + event.message.length;
    this.#characters.set(group, characters > MAX_CHARACTERS_PER_GROUP ? dropOldest(group) : characters);
    this.onWrite(group.name, event.message);
  }

  #group(name: string): LogGroup {
    const group = this.#groups.get(name);
    if (!group) throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  #putRetention(input: LogsInput): void {
    if (input.retentionInDays === undefined) throw invalidParameter('retentionInDays is missing');
    this.setRetention(groupName(input), input.retentionInDays);
  }

  #createStream(name: string, stream: string): void {
    const { streams } = this.#group(name);
    if (streams.has(stream)) throw new ServiceError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    streams.set(stream, this.clock.now());
  }

  #deleteStream(name: string, stream: string): void {
    const group = this.#group(name);
    if (!group.streams.delete(stream)) throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
    group.events = group.events.filter((event) => event.stream !== stream);
  }

  #putEvents(input: LogsInput): object {
    const group = this.#group(groupName(input));
    const stream = streamName(input);
    if (!group.streams.has(stream)) throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
    const { accepted, ...rejected } = acceptBatch(input.logEvents ?? [], group, this.clock.now());
    for (const { timestamp, message } of accepted) this.#append(group, { stream, timestamp, message });
    return { nextSequenceToken: String(this.#sequence), ...rejected };
  }
}

/** A message that fits into an event. */
function cut(message: string): string {
  if (message.length * 3 <= MAX_EVENT_BYTES) return message;
  const bytes = Buffer.from(message);
  // A decoder keeps back what begins a character and does not end it.
  return bytes.length <= MAX_EVENT_BYTES ? message : new StringDecoder('utf8').write(bytes.subarray(0, MAX_EVENT_BYTES));
}

/** Makes room for some more than one event; answers how many characters are left. */
function dropOldest(group: LogGroup): number {
  let kept = 0;
  let from = group.events.length;
  for (const { message } of [...group.events].reverse()) {
    if (kept + message.length > MAX_CHARACTERS_PER_GROUP * 0.9) break;
    kept += message.length;
    from -= 1;
  }
  group.events = group.events.slice(from);
  return kept;
}

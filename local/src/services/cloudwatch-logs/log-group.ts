/** One line of a log. */
export interface LogEvent {
  /** Grows with every event that is written, over all groups. */
  readonly sequence: number;
  readonly stream: string;
  readonly timestamp: number;
  readonly ingestedAt: number;
  readonly message: string;
}

export interface LogGroup {
  readonly name: string;
  /** Made on purpose, not by a first write. */
  readonly declared: boolean;
  readonly createdAt: number;
  retentionInDays?: number;
  /** When each stream was made, by name. */
  readonly streams: Map<string, number>;
  /** In the order of writing. */
  events: LogEvent[];
}

/** What every event takes up besides its message. */
const EVENT_OVERHEAD_BYTES = 26;

export function eventBytes({ message }: Pick<LogEvent, 'message'>): number {
  return Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
}

/** The order of CloudWatch's answers: by time, and as written where times are equal. */
export function inOrder(a: LogEvent, b: LogEvent): number {
  return a.timestamp - b.timestamp || a.sequence - b.sequence;
}

import type { Builder } from './builder';
import { mask, wellFormed, withoutControls } from './mask';

export interface LogLine {
  readonly stream: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly message: string;
}

export interface LogQuery {
  readonly logGroupName: string;
  readonly streamPrefix: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What the builder asks of CloudWatch Logs. */
export interface BuildLogs {
  /** The last lines of each stream, oldest first. */
  tail(query: LogQuery): Promise<LogLine[]>;
}

export interface LogExcerpt {
  readonly stream: string;
  /** Fit to be shown, oldest first. */
  readonly lines: readonly string[];
}

export interface WantedLog {
  readonly logGroupName: string;
  readonly imageVersion: string;
  readonly since: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A build's lines come in one burst, some time after it ended. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 5000;
const DAY_MS = 86_400_000;
const CLOCK_DIFFERENCE_MS = 60_000;

const MAX_LINES = 40;
const MAX_LINE_LENGTH = 400;
/** Before masking: a longer line is nothing for a person to read. */
const MAX_RAW_LENGTH = 4000;

/** The end of a build's log: of the stream that was written to last. Undefined if there is none, or it cannot be read. */
export async function readBuildLog(builder: Builder, wanted: WantedLog): Promise<LogExcerpt | undefined> {
  const giveUpAt = builder.clock.now() + PATIENCE_MS;
  try {
    for (;;) {
      const excerpt = lastStream(await tails(builder, wanted), wanted.environment);
      if (excerpt || builder.clock.now() + RETRY_MS > giveUpAt) return excerpt;
      await builder.clock.sleep(RETRY_MS);
    }
  } catch (error) {
    builder.log({ level: 'warn', message: 'cannot read the build log', logGroupName: wanted.logGroupName, error: (error as Error).name });
    return undefined;
  }
}

/** Streams are named `YYYY/MM/DD[<version>]<id>`, in UTC; that of the docker build was seen with version 0.0 and with the real one. */
async function tails({ logs, clock }: Builder, { logGroupName, imageVersion, since }: WantedLog): Promise<LogLine[]> {
  const now = clock.now();
  const days = new Set([since, Math.min(since + DAY_MS, now), now].map(streamDay));
  const prefixes = [...days].flatMap((day) => [`${day}[${imageVersion}]`, `${day}[0.0]`]);
  const found: LogLine[] = [];
  for (const streamPrefix of prefixes) {
    found.push(...await logs.tail({ logGroupName, streamPrefix, since: since - CLOCK_DIFFERENCE_MS }));
  }
  return found;
}

function streamDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10).replaceAll('-', '/');
}

function lastStream(lines: readonly LogLine[], environment: WantedLog['environment']): LogExcerpt | undefined {
  const last = lines.reduce<LogLine | undefined>(
    (latest, line) => (latest && latest.timestamp > line.timestamp ? latest : line), undefined,
  );
  if (!last) return undefined;
  const text = lines.filter(({ stream }) => stream === last.stream).map(({ message }) => message.slice(0, MAX_RAW_LENGTH)).join('\n');
  // Masked as one text: a private key has many lines.
  const shown = mask(withoutControls(text), environment).split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  if (shown.length === 0) return undefined;
  return { stream: withoutControls(last.stream), lines: shown.slice(-MAX_LINES).map(shortened) };
}

function shortened(line: string): string {
  return line.length <= MAX_LINE_LENGTH ? line : `${wellFormed(line.slice(0, MAX_LINE_LENGTH))}…`;
}

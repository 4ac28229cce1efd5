import { setTimeout as pause } from 'node:timers/promises';
import type { FilteredLogEvent } from './cloud-api';
import { CloudApi } from './cloud-api';
import { printable } from './printable';
import type { RunningCloud } from './running-cloud';

const POLL_MS = 500;
/** The end of a stream's name that the service gives. */
const MICROVM = /\](microvm-[0-9a-f-]{36})$/;

export interface LogsOptions {
  readonly microvmId?: string;
  readonly follow: boolean;
  readonly json: boolean;
  readonly print: (line: string) => void;
  /** Ends following. */
  readonly signal: AbortSignal;
}

interface Line extends FilteredLogEvent {
  readonly microvmId: string;
}

/** Prints what microVMs wrote: all of them or one, oldest first. */
export async function logs(cloud: RunningCloud, options: LogsOptions): Promise<void> {
  const { microvmId, follow, signal } = options;
  const reader = new LogReader(new CloudApi(cloud), microvmId);
  const lines = await reader.next();
  if (microvmId !== undefined && lines.length === 0 && !follow) await explainNothing(cloud, microvmId);
  show(lines, options);
  while (follow && !signal.aborted) {
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) show(await reader.next(), options);
  }
}

/** Reads on from where it was. */
class LogReader {
  readonly #seen = new Map<string, Set<string>>();
  readonly #since = new Map<string, number>();

  constructor(private readonly api: CloudApi, private readonly microvmId: string | undefined) {}

  async next(): Promise<Line[]> {
    const lines: Line[] = [];
    for (const group of await this.api.logGroups()) lines.push(...await this.#ofGroup(group));
    return lines.sort((a, b) => a.timestamp - b.timestamp);
  }

  async #ofGroup(group: string): Promise<Line[]> {
    const streams = (await this.api.logStreams(group)).filter((name) => this.#wants(name));
    if (streams.length === 0) return [];
    const since = this.#since.get(group) ?? 0;
    const events = await this.api.logEvents(group, streams, since);
    const seen = this.#seen.get(group) ?? new Set();
    const fresh = events.filter(({ eventId }) => !seen.has(eventId));
    // The next look begins at the last event's time, which others may have, too.
    const last = Math.max(since, ...events.map(({ timestamp }) => timestamp));
    this.#since.set(group, last);
    this.#seen.set(group, new Set(events.filter(({ timestamp }) => timestamp === last).map(({ eventId }) => eventId)));
    return fresh.map((event) => ({ ...event, microvmId: MICROVM.exec(event.logStreamName)?.[1] ?? '' }));
  }

  #wants(stream: string): boolean {
    const [, id] = MICROVM.exec(stream) ?? [];
    return id !== undefined && (this.microvmId === undefined || id === this.microvmId);
  }
}

async function explainNothing(cloud: RunningCloud, microvmId: string): Promise<void> {
  const known = (await new CloudApi(cloud).listMicrovms()).some((microvm) => microvm.microvmId === microvmId);
  if (!known) throw new Error(`there is no microVM "${microvmId}" at ${cloud.endpoint}; \`microvm-sandbox-local ps\` lists them`);
  throw new Error(`microVM ${microvmId} has no log: it wrote nothing yet, or has no execution role to write its log with`);
}

function show(lines: readonly Line[], { json, microvmId, print }: LogsOptions): void {
  for (const { timestamp, message, microvmId: id, logStreamName } of lines) {
    if (json) print(JSON.stringify({ timestamp, microvmId: id, logStreamName, message }));
    else print(`${new Date(timestamp).toISOString()}  ${microvmId === undefined ? `${id}  ` : ''}${printable(message)}`);
  }
}

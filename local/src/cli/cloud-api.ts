import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { RunningCloud } from './running-cloud';

const TIMEOUT_MS = 30_000;
/** More than these CloudWatch does not take in one call. */
const MAX_STREAMS = 100;

interface Call {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface LogGroup {
  readonly logGroupName: string;
}

interface LogStream {
  readonly logStreamName: string;
}

export interface FilteredLogEvent {
  readonly timestamp: number;
  readonly message: string;
  readonly logStreamName: string;
  readonly eventId: string;
}

export interface ListedMicrovm {
  readonly microvmId: string;
  readonly state: string;
  readonly imageArn: string;
  readonly imageVersion: string;
  /** Epoch seconds. */
  readonly startedAt: number;
}

/** The calls of `ps` and `logs`, through the APIs that everybody has. */
export class CloudApi {
  constructor(private readonly cloud: RunningCloud) {}

  async listMicrovms(): Promise<ListedMicrovm[]> {
    const all: ListedMicrovm[] = [];
    for (let nextToken: string | null | undefined = ''; nextToken !== undefined && nextToken !== null;) {
      const query: Record<string, string> = nextToken === '' ? {} : { nextToken };
      const page = await this.#call({ service: 'lambda', method: 'GET', path: '/2025-09-09/microvms', query });
      all.push(...this.#listIn(page, 'items') as ListedMicrovm[]);
      nextToken = page.nextToken as string | null | undefined;
    }
    return all;
  }

  async logGroups(): Promise<string[]> {
    const groups = await this.#pages('DescribeLogGroups', {}, 'logGroups');
    return (groups as LogGroup[]).map(({ logGroupName }) => logGroupName);
  }

  async logStreams(logGroupName: string): Promise<string[]> {
    const streams = await this.#pages('DescribeLogStreams', { logGroupName }, 'logStreams');
    return (streams as LogStream[]).map(({ logStreamName }) => logStreamName);
  }

  async logEvents(
    logGroupName: string,
    logStreamNames: readonly string[],
    startTime: number,
  ): Promise<FilteredLogEvent[]> {
    const events: unknown[] = [];
    for (let at = 0; at < logStreamNames.length; at += MAX_STREAMS) {
      const input = { logGroupName, logStreamNames: logStreamNames.slice(at, at + MAX_STREAMS), startTime };
      events.push(...await this.#pages('FilterLogEvents', input, 'events'));
    }
    return events as FilteredLogEvent[];
  }

  async #pages(operation: string, input: object, member: string): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let nextToken: string | undefined, first = true; first || nextToken; first = false) {
      const page = await this.#call({
        service: 'logs',
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${operation}` },
        body: JSON.stringify({ ...input, ...(nextToken && { nextToken }) }),
      });
      all.push(...this.#listIn(page, member));
      nextToken = page.nextToken as string | undefined;
    }
    return all;
  }

  #listIn(page: Record<string, unknown>, member: string): unknown[] {
    const list = page[member];
    if (Array.isArray(list)) return list;
    throw new Error(`what answers at ${this.cloud.endpoint} is no local cloud; name the --port of one`);
  }

  async #call({ service, method, path, query = {}, headers = {}, body }: Call): Promise<Record<string, unknown>> {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.cloud;
    const { hostname, port, host } = new URL(endpoint);
    const signer = new SignatureV4({ service, region, credentials: { accessKeyId, secretAccessKey }, sha256: Sha256 });
    const signed = await signer.sign({
      method, protocol: 'http:', hostname, port: Number(port), path, query: { ...query }, headers: { ...headers, host }, body,
    });
    const url = `${endpoint}${path}?${new URLSearchParams(query)}`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    // Whoever answers there must not send the request on to elsewhere.
    const response = await fetch(url, { method, headers: signed.headers, body, signal, redirect: 'error' })
      .catch((error: Error) => {
        throw new Error(`no local cloud answers at ${endpoint}; start one with \`microvm-sandbox-local start\``, { cause: error });
      });
    const answer = (await response.json().catch(() => undefined) ?? {}) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${endpoint} answers ${response.status}: ${String(answer.message ?? response.statusText)}`);
    return answer;
  }
}

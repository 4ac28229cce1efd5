import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { BuildLogs, LogLine, LogQuery } from './build-log';

/** A page has 10 000 lines or 1 MB. A log that is longer ends where these do. */
const MAX_PAGES = 20;
/** More than are ever shown, in case a secret of many lines begins before them. */
const LINES_PER_STREAM = 120;

/** CloudWatch Logs through the AWS SDK. */
export class SdkLogs implements BuildLogs {
  constructor(private readonly client: CloudWatchLogsClient) {}

  async tail({ logGroupName, streamPrefix, since }: LogQuery): Promise<LogLine[]> {
    const pages = paginateFilterLogEvents(
      { client: this.client },
      { logGroupName, logStreamNamePrefix: streamPrefix, startTime: Math.max(0, since) },
    );
    const streams = new Map<string, LogLine[]>();
    let read = 0;
    for await (const { events = [] } of pages) {
      for (const { logStreamName: stream = '', timestamp = 0, message = '' } of events) {
        streams.set(stream, [...streams.get(stream) ?? [], { stream, timestamp, message }].slice(-LINES_PER_STREAM));
      }
      read += 1;
      if (read === MAX_PAGES) break;
    }
    return [...streams.values()].flat();
  }
}

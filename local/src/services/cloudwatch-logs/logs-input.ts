import { ServiceError } from '../service-error';

export interface LogsInput {
  readonly logGroupName?: string;
  readonly logGroupIdentifier?: string;
  readonly logGroupNamePrefix?: string;
  readonly logGroupNamePattern?: string;
  readonly logStreamName?: string;
  readonly logStreamNamePrefix?: string;
  readonly logStreamNames?: readonly string[];
  readonly logEvents?: readonly { readonly timestamp: number; readonly message: string }[];
  readonly orderBy?: string;
  readonly descending?: boolean;
  readonly retentionInDays?: number;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly limit?: number;
  readonly nextToken?: string;
  readonly startFromHead?: boolean;
  readonly filterPattern?: string;
}

const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/;
const STREAM_NAME = /^[^:*]{1,512}$/;
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export function invalidParameter(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

export function groupName({ logGroupName, logGroupIdentifier }: LogsInput): string {
  if (logGroupName !== undefined && logGroupIdentifier !== undefined) {
    throw invalidParameter('Only one of logGroupName or logGroupIdentifier can be specified');
  }
  const name = logGroupName ?? logGroupIdentifier?.split(':log-group:').at(-1);
  if (name === undefined) throw invalidParameter('logGroupName is missing');
  if (!GROUP_NAME.test(name)) throw mismatch('logGroupName', name, '[\\.\\-_/#A-Za-z0-9]{1,512}');
  return name;
}

export function streamName({ logStreamName: name }: LogsInput): string {
  if (name === undefined) throw invalidParameter('logStreamName is missing');
  if (!STREAM_NAME.test(name)) throw mismatch('logStreamName', name, '[^:*]{1,512}');
  return name;
}

export function checkRetention(days: number | undefined): void {
  if (days !== undefined && !RETENTION_DAYS.includes(days)) {
    throw invalidParameter(`retentionInDays must be one of ${RETENTION_DAYS.join(', ')}, got ${days}`);
  }
}

/** How many items a page may have. */
export function pageSize({ limit }: LogsInput, most: number): number {
  if (limit === undefined) return most;
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  const bound = limit > most ? `less than or equal to ${most}` : 'greater than or equal to 1';
  throw invalidParameter(`1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value ${bound}`);
}

function mismatch(member: string, value: string, pattern: string): ServiceError {
  return invalidParameter(`1 validation error detected: Value '${value.slice(0, 100)}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern}`);
}

import type { Access } from '../authorization';
import type { AccessCall } from './access-sources';
import { asString, bodyOf } from './access-sources';

/** The rights that an operation on logs needs: on the stream, or on the group as one whose stream has no name. */
export function logsAccesses({ operation, request, sources: { region, account } }: AccessCall): Access[] {
  const body = bodyOf(request);
  const group = asString(body.logGroupName) || (asString(body.logGroupIdentifier).split(':log-group:').at(-1) ?? '');
  const stream = asString(body.logStreamName);
  return [{ action: `logs:${operation}`, resource: `arn:aws:logs:${region}:${account}:log-group:${group}:log-stream:${stream}` }];
}

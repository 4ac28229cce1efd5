import type { CloudEvent } from '../cloud-event';

/** An event as a line for a terminal. Undefined: not shown there. */
export function eventLine(event: CloudEvent): string | undefined {
  if (event.kind === 'warning') return `warning: ${event.message}`;
  if (event.kind !== 'stack' && event.kind !== 'resource') return undefined;
  const what = event.kind === 'stack' ? '' : `  ${event.logicalId} (${event.type})`;
  const took = event.durationMs === undefined ? '' : `  ${(event.durationMs / 1000).toFixed(1)} s`;
  const reason = event.reason === undefined ? '' : `  ${event.reason}`;
  return `${event.stackName}  ${event.status}${what}${took}${reason}`;
}

import type { CloudEvent } from '../cloud-event';
import { printable } from './printable';

/** An event as a line for a terminal. Undefined: not shown there. */
export function eventLine(event: CloudEvent): string | undefined {
  if (event.kind === 'warning') return `warning: ${lines(event.message)}`;
  if (event.kind !== 'stack' && event.kind !== 'resource') return undefined;
  const what = event.kind === 'stack' ? '' : `  ${event.logicalId} (${event.type})`;
  const took = event.durationMs === undefined ? '' : `  ${(event.durationMs / 1000).toFixed(1)} s`;
  const reason = event.reason === undefined ? '' : `  ${lines(event.reason)}`;
  return `${event.stackName}  ${event.status}${what}${took}${reason}`;
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

import type { ServerResponse } from 'node:http';
import { type Guest, routes } from './test-pool';

export const START = { seq: 1, type: 'start', pid: 42, startedAt: 1_700_000_000_000 };
export const EXIT = { exitCode: 0, durationMs: 5 };

export function b64(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64');
}

export function send(response: ServerResponse, ...events: unknown[]): void {
  for (const event of events) response.write(`${JSON.stringify(event)}\n`);
}

/** A daemon whose every command sends these events. */
export function commandSends(...events: unknown[]): Guest {
  return routes({
    'POST /v1/commands': (_, response) => {
      send(response, START, ...events);
      response.end();
    },
  });
}

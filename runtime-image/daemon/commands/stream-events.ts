import type { ServerResponse } from 'node:http';
import type { CommandEvent } from '../../../client/src/protocol/daemon';
import { NDJSON } from '../../../client/src/protocol/daemon';
import type { Clock } from '../clock';
import type { Command } from './command';

/** Shorter than the 15 seconds that readers rely on. */
export const HEARTBEAT_MS = 10_000;

export interface Reader {
  readonly response: ServerResponse;
  /** The last event that it has seen. */
  readonly after: number;
}

/** Sends what the reader has not seen, then what comes, until the exit event or until it leaves; no faster than it reads. */
export async function streamEvents(command: Command, { response, after }: Reader, clock: Clock): Promise<void> {
  response.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store' });
  response.flushHeaders();
  const { log } = command;
  const cursor = log.cursorAfter(after);
  while (!response.destroyed) {
    const events = log.read(cursor);
    if (events.length > 0) {
      if (!response.write(toLines(events))) await drained(response);
    } else if (command.ended) {
      response.end();
      return;
    } else if (await isSilent(command, response, clock)) {
      response.write(toLines([{ type: 'heartbeat' }]));
    }
  }
}

function toLines(events: readonly CommandEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** False as soon as something happens, true after a while without. */
async function isSilent(command: Command, response: ServerResponse, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (silent: boolean) => {
      stopListening();
      cancelTimer();
      response.off('close', onChange);
      resolve(silent);
    };
    const onChange = () => finish(false);
    const stopListening = command.log.onChange(onChange);
    const cancelTimer = clock.after(HEARTBEAT_MS, () => finish(true));
    response.once('close', onChange);
  });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { DaemonError, errnoOf } from '../errors';
import type { Log } from '../log';
import { describeFault } from '../log';
import { sendJson } from './exchange';

/** Read of a refused body before the answer: the proxy may turn an answer to a half-sent body into a reset. */
const DRAINED_BYTES = 64 * 1024;
const DRAIN_MS = 1000;

export interface Refused {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers any error of an operation; the only place that does. */
export async function reject({ request, response }: Refused, error: unknown, log: Log): Promise<void> {
  if (response.destroyed || request.socket.destroyed) return;
  if (response.headersSent) {
    // Too late to say anything: a cut stream is the one sign that is left.
    if (!(error instanceof DaemonError)) log('fault', describeFault(error));
    response.destroy();
    return;
  }
  const complete = await drain(request);
  const answer = toDaemonError(error);
  if (answer !== error) log('fault', describeFault(error));
  if (!complete) closeAfter(request, response);
  sendJson(response, answer.status, { error: answer.toBody() });
}

function toDaemonError(error: unknown): DaemonError {
  if (error instanceof DaemonError) return error;
  return new DaemonError('internal', `the daemon failed${errnoOf(error) ? ` (${errnoOf(error)})` : ''}; its log says where`);
}

/** True once the body was read to its end; false if there is more of it than is worth reading. */
async function drain(request: IncomingMessage): Promise<boolean> {
  if (request.complete && request.readableLength === 0) return true;
  return new Promise((resolve) => {
    let drained = 0;
    const finish = (complete: boolean) => {
      clearTimeout(timer);
      request.off('data', count).off('end', onEnd).off('close', onClose);
      resolve(complete);
    };
    const count = (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > DRAINED_BYTES) finish(false);
    };
    const onEnd = () => finish(true);
    const onClose = () => finish(request.complete);
    const timer = setTimeout(finish, DRAIN_MS, false);
    request.on('data', count).on('end', onEnd).on('close', onClose).resume();
  });
}

/** Closing at once would reset the connection before the caller has read the answer. */
function closeAfter(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('connection', 'close');
  const timer = setTimeout(() => request.socket.destroy(), DRAIN_MS);
  request.socket.once('close', () => clearTimeout(timer));
  request.on('error', () => request.socket.destroy());
  request.resume();
}

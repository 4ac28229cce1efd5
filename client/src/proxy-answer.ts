import type { AnswerBody } from './answer-body';
import type { ErrorBody } from './protocol';
import { parseJson, readErrorBody } from './shape';

/** Bodies of the proxy's 403; an application behind it may answer 403 too. */
const TOKEN_REFUSED = 'Token authentication failed';
const TOKEN_MISSING = 'Request missing authentication';
const PORT_DENIED = 'Access to port denied';

const MOST_ERROR_BYTES = 64 * 1024;

/**
 * What an answer means.
 * - `answer`: it is the guest's
 * - `token`: the proxy refused the token, `port` if for its port
 * - `asleep`: nothing in the microVM answers: it starts, sleeps or is gone, or no program listens on the port
 * - `busy`: refused before anything was done, or, with `unsure`, failed at a point that nobody knows
 * - `refused`: the daemon's own error
 */
export type Verdict =
  | { readonly kind: 'answer' }
  | { readonly kind: 'token'; readonly port: boolean }
  | { readonly kind: 'asleep' }
  | { readonly kind: 'busy'; readonly unsure: boolean }
  | { readonly kind: 'refused'; readonly error: ErrorBody };

/** Judges an answer from a port of the user's own, whose program may send any status itself. */
export async function judgeUserAnswer(status: number, body: AnswerBody): Promise<Verdict> {
  if (status === 502) {
    const { bytes, whole } = await body.peek(0);
    if (whole && bytes.byteLength === 0) return { kind: 'asleep' };
  }
  return (status === 403 && await refusedToken(body)) || { kind: 'answer' };
}

/** Judges an answer from the daemon's port, where whatever is not the daemon's is the proxy's. */
export async function judgeDaemonAnswer(status: number, body: AnswerBody): Promise<Verdict> {
  if (status >= 200 && status < 300) return { kind: 'answer' };
  if (status === 502) return { kind: 'asleep' };
  const token = status === 403 && await refusedToken(body);
  if (token) return token;
  const error = await readError(body);
  if (!error && (status === 429 || status >= 500)) return { kind: 'busy', unsure: status !== 429 };
  if (!error) return { kind: 'refused', error: { code: 'internal', message: `the daemon's port answered ${status}`, retryable: false } };
  return error.code === 'not_ready' ? { kind: 'busy', unsure: false } : { kind: 'refused', error };
}

async function refusedToken(body: AnswerBody): Promise<Verdict | undefined> {
  const { bytes } = await body.peek(64);
  const text = bytes.toString('latin1').trim();
  if (![TOKEN_REFUSED, TOKEN_MISSING, PORT_DENIED].includes(text)) return undefined;
  return { kind: 'token', port: text === PORT_DENIED };
}

async function readError(body: AnswerBody): Promise<ErrorBody | undefined> {
  const { bytes, whole } = await body.peek(MOST_ERROR_BYTES);
  if (!whole) return undefined;
  try {
    return readErrorBody(parseJson(bytes.toString('utf8'), 'error').get('error'));
  } catch {
    return undefined;
  }
}

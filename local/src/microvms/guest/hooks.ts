import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../clock';
import type { HookName } from '../images/hook-settings';
import type { Machine } from '../machine/machine';

const HOOK_PATH = '/aws/lambda-microvms/runtime/v1/';
const POLL_MS = 20;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface HookCall {
  readonly name: HookName;
  readonly port: number;
  readonly timeoutSeconds: number;
  /** JSON that `/run` carries. */
  readonly body?: object;
  /** Host name of the build's microVM: build hooks come from the service's own HTTP client. */
  readonly buildHost?: string;
  /** Nobody answers: the call ends with its timeout. */
  readonly hangs?: boolean;
  readonly signal?: AbortSignal;
}

export type HookResult = { readonly status: number } | { readonly failure: 'timeout' | 'unreachable' | 'aborted' };

/** Calls a hook once. */
export async function callHook(clock: Clock, machine: Machine, call: HookCall): Promise<HookResult> {
  const deadline = new AbortController();
  const timer = clock.after(call.timeoutSeconds * 1000, () => deadline.abort());
  const ends = AbortSignal.any([deadline.signal, ...(call.signal ? [call.signal] : [])]);
  try {
    if (call.hangs) await never(ends);
    return { status: await post(await machine.dial(call.port), call, ends) };
  } catch {
    if (call.signal?.aborted) return { failure: 'aborted' };
    return { failure: deadline.signal.aborted ? 'timeout' : 'unreachable' };
  } finally {
    timer.cancel();
  }
}

/** Calls a build hook until it answers something other than 503; an application that does not listen yet counts as 503. */
export async function pollHook(clock: Clock, machine: Machine, call: HookCall): Promise<HookResult> {
  const deadline = clock.now() + call.timeoutSeconds * 1000;
  for (;;) {
    const left = deadline - clock.now();
    if (left <= 0) return { failure: 'timeout' };
    const result = await callHook(clock, machine, { ...call, timeoutSeconds: left / 1000 });
    if ('status' in result ? result.status !== 503 : result.failure !== 'unreachable') return result;
    await clock.sleep(Math.min(POLL_MS, left));
    if (call.signal?.aborted) return { failure: 'aborted' };
  }
}

/** A length of time as the service writes it: `PT5M`, `PT1M30S`. */
function isoDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds % 3600 / 60);
  const rest = seconds % 60;
  return `PT${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${rest || seconds === 0 ? `${rest}S` : ''}`;
}

/** Why a runtime hook ended its microVM, or undefined if it did well. */
export function runtimeHookFailure(call: HookCall, result: HookResult): string | undefined {
  const advice = 'Please check your hook endpoint and application logs for more details.';
  const hook = `${capitalize(call.name)} lifecycle hook`;
  if ('status' in result) return result.status === 200 ? undefined : `${hook} returned HTTP status ${result.status}. ${advice}`;
  if (result.failure === 'timeout') return `${hook} invocation timed out after ${isoDuration(call.timeoutSeconds)}. ${advice}`;
  return `${hook} could not be reached on port ${call.port}. ${advice}`;
}

/** Why a build hook failed its build, or undefined if it did well. */
export function buildHookFailure(call: HookCall, result: HookResult): string | undefined {
  const hook = `${capitalize(call.name)} hook`;
  if ('failure' in result) return `${hook} invocation timed out after ${isoDuration(call.timeoutSeconds)}`;
  if (result.status === 200) return undefined;
  const kind = result.status >= 500 ? 'server error (HTTP 5xx)' : result.status >= 400 ? 'client error (HTTP 4xx)' : `HTTP ${result.status}`;
  return `${hook} check failed: the application returned a ${kind} response`;
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new Error('aborted'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

function capitalize(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}

function post(socket: Socket, call: HookCall, signal: AbortSignal): Promise<number> {
  const body = call.body ? JSON.stringify(call.body) : '';
  const headers = {
    'host': call.buildHost ?? `localhost:${call.port}`,
    ...(call.buildHost ? { 'user-agent': 'smithy-java/1.6.0', 'x-amzn-requestid': randomUUID() } : {}),
    ...(call.body ? { 'content-type': 'application/json' } : {}),
    'content-length': String(Buffer.byteLength(body)),
  };
  return new Promise((resolve, reject) => {
    const path = HOOK_PATH + call.name;
    const sent = request({ createConnection: () => socket, method: 'POST', path, headers, signal }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy();
      });
      response.once('close', () => (signal.aborted ? reject(new Error('aborted')) : resolve(response.statusCode ?? 0)));
      response.once('error', () => undefined);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

import type { OutgoingHttpHeaders } from 'node:http';
import type { AnswerBody } from './answer-body';

export interface EndpointRequest {
  /** A port of the user's own, or the daemon with its secret. */
  readonly port: number | 'daemon';
  readonly method: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: RequestBody;
  /** Doing it twice is the same as doing it once. */
  readonly safe: boolean;
  /** Doing it twice is the same as doing it once, but only to one and the same microVM. */
  readonly safeWithinGeneration?: boolean;
  /** The generation that has, perhaps, seen this request before. */
  readonly seenBy?: number;
  /** Give a sleeping microVM's silence to the caller as `AsleepError`, instead of waking it. */
  readonly once?: boolean;
}

export interface RequestBody {
  /** Makes the bytes, again for each attempt if `replayable`. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
  /** Bytes, where known: many servers want to know. */
  readonly size?: number;
  readonly replayable: boolean;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: readonly string[];
  readonly body: AnswerBody;
}

/** Nothing in the microVM answered, and the request asked to be told. */
export class AsleepError extends Error {}

/** Whether the request may be sent again although it may have arrived. */
export function isRepeatable({ safe, safeWithinGeneration = false, body }: EndpointRequest): boolean {
  return (safe || safeWithinGeneration) && (body?.replayable ?? true);
}

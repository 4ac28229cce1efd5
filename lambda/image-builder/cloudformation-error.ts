import type { ProviderEvent } from './events';

/** CloudFormation refuses an answer that is longer. */
const ANSWER_BYTES = 4096;
/** What the framework appends: two line breaks and the name of a log group, 64 characters at most for the function; and some room. */
const FRAMEWORK_BYTES = 220;

/** Bytes that a text takes inside a JSON string. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** Bytes that are left for an error's message in the answer that the framework makes of it. */
export function messageBytes(event: Pick<ProviderEvent, 'StackId' | 'RequestId' | 'LogicalResourceId' | 'PhysicalResourceId'>): number {
  const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = '' } = event;
  const frame = JSON.stringify({ Status: 'FAILED', Reason: '', StackId, RequestId, PhysicalResourceId, LogicalResourceId });
  return ANSWER_BYTES - FRAMEWORK_BYTES - Buffer.byteLength(frame);
}

/** The longest beginning of a text that fits, with a sign that it is one. Never half a character. */
export function cut(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) return text;
  let used = jsonBytes('…');
  let end = 0;
  for (const character of text) {
    used += jsonBytes(character);
    if (used > bytes) break;
    end += character.length;
  }
  return `${text.slice(0, end)}…`;
}

/** An error as CloudFormation can show it: short enough, and without a stack, which the framework would append. */
export function cloudFormationError(event: ProviderEvent, thrown: unknown): Error {
  const error = new Error(cut(thrown instanceof Error ? thrown.message : 'unknown error', messageBytes(event)));
  error.stack = error.name;
  return error;
}

import type { RunPayload } from '../../../client/src/protocol/daemon';
import { invalid } from '../errors';

/** What the platform wraps the payload in. */
export interface RunCall {
  readonly microvmId?: string;
  readonly payload: RunPayload;
}

/** Unknown keys are let through, here as everywhere in the call: refusing one would end the microVM. */
export function parseRunCall(text: string): RunCall {
  const call = parseObject(text, 'the body');
  if (typeof call.runHookPayload !== 'string') throw invalid('runHookPayload: missing or not a text');
  const payload = parseObject(call.runHookPayload, 'runHookPayload');
  const { sandboxId, generation, secretSha256 } = payload;
  if (typeof sandboxId !== 'string' || !/^[\w-]{1,128}$/.test(sandboxId)) {
    throw invalid('runHookPayload.sandboxId: not 1-128 letters, digits, "_" or "-"');
  }
  if (typeof generation !== 'number' || !Number.isSafeInteger(generation) || generation < 1) {
    throw invalid('runHookPayload.generation: not a whole number from 1');
  }
  if (typeof secretSha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(secretSha256)) {
    throw invalid('runHookPayload.secretSha256: not the 64 hexadecimal digits of a SHA-256');
  }
  return {
    ...(typeof call.microvmId === 'string' ? { microvmId: call.microvmId } : {}),
    payload: { sandboxId, generation, secretSha256: secretSha256.toLowerCase() },
  };
}

function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`${what}: not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what}: not a JSON object`);
  return value as Record<string, unknown>;
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { RunPayload } from '../../client/src/protocol/daemon';

/** Which sandbox this microVM serves: nobody, until `/run` told. */
export class Session {
  #payload?: RunPayload;

  get payload(): RunPayload | undefined {
    return this.#payload;
  }

  /** Takes the payload once. False if another was taken before; the same one may come again. */
  begin(payload: RunPayload): boolean {
    this.#payload ??= payload;
    return this.#payload.sandboxId === payload.sandboxId
      && this.#payload.generation === payload.generation
      && this.#payload.secretSha256 === payload.secretSha256;
  }

  /** Takes the same time for any wrong secret. */
  accepts(secret: string): boolean {
    if (!this.#payload) return false;
    return timingSafeEqual(createHash('sha256').update(secret).digest(), Buffer.from(this.#payload.secretSha256, 'hex'));
  }
}

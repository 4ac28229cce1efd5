import type { ImageVersions } from '../pool/image-versions';
import type { Pool } from '../pool/pool';

/** Where fresh names and secrets come from. */
export interface Ids {
  /** `sbx-` and 26 characters that sort by time. */
  sandboxId(now: number): string;
  clientToken(): string;
  /** 256 bits, in characters that a header takes. */
  daemonSecret(): string;
}

/** The pool as one request sees it. */
export interface Allocation extends Pool {
  readonly ids: Ids;
  readonly versions: ImageVersions;
  /** Epoch milliseconds after which nothing is waited for any more, so that the caller gets an answer and not a timeout. */
  readonly deadline: number;
}

/** Sleeps, or answers false if the request has no time left for it. */
export async function waitFor({ clock, deadline }: Allocation, delayMs: number): Promise<boolean> {
  if (clock.now() + delayMs >= deadline) return false;
  await clock.sleep(delayMs);
  return true;
}

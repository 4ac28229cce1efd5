import { randomBytes, randomUUID } from 'node:crypto';
import type { Ids } from './allocation';

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

export const randomIds: Ids = {
  sandboxId: (now) => `sbx-${timePart(now)}${Array.from(randomBytes(16), (byte) => CROCKFORD[byte % 32]).join('')}`,
  clientToken: () => randomUUID(),
  daemonSecret: () => randomBytes(32).toString('base64url'),
};

/** The 48 bits of a ULID's time. */
function timePart(now: number): string {
  let rest = now;
  let text = '';
  for (let place = 0; place < 10; place++) {
    text = CROCKFORD[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

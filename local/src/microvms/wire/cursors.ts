import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Thrown for what is no cursor of this list. */
export class CursorError extends Error {}

/** Cursors of the service are 688 to 800 characters long, whatever they say; these have 688, and need no padding. */
const PLAIN_BYTES = 488;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Where the next page of a list starts, unreadable to callers and of use for that list only. */
export class Cursors {
  readonly #key = randomBytes(32);

  /** `list` names the operation and what it lists; `after` is the position of the last item of the page. */
  write(list: string, after: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(list));
    const text = Buffer.concat([cipher.update(String(after).padEnd(PLAIN_BYTES)), cipher.final()]);
    return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url');
  }

  read(list: string, cursor: string): number {
    const bytes = Buffer.from(cursor, 'base64url');
    // Decoding is lenient; a cursor that was changed in any character is none.
    if (bytes.length !== IV_BYTES + PLAIN_BYTES + TAG_BYTES || bytes.toString('base64url') !== cursor) throw new CursorError();
    const iv = bytes.subarray(0, IV_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(list)).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
      return Number(Buffer.concat([text, decipher.final()]).toString());
    } catch {
      throw new CursorError();
    }
  }
}

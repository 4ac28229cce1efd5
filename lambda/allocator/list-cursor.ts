/** A cursor is the id of the last sandbox that was looked at, in a form that invites nobody to build one. */
export const cursorPattern = /^[A-Za-z0-9_-]{40}$/;

export function toCursor(sandboxId: string): string {
  return Buffer.from(sandboxId).toString('base64url');
}

/** Undefined if it is none of ours. */
export function fromCursor(cursor: string): string | undefined {
  const sandboxId = Buffer.from(cursor, 'base64url').toString();
  return /^sbx-[0-9a-z]{26}$/.test(sandboxId) ? sandboxId : undefined;
}
